import { Worker } from 'node:worker_threads';
import type { Turn } from './turn.ts';

/** The video track of a file, in the order in which it is decoded. Times are in microseconds. */
export interface Demuxed {
  readonly config: VideoDecoderConfig;
  readonly turn: Turn;
  readonly firstTimestamp: number;
  readonly packets: readonly DemuxedPacket[];
}

/** One packet of it. */
export interface DemuxedPacket {
  readonly type: 'key' | 'delta';
  readonly timestamp: number;
  readonly duration: number;
  readonly data: Uint8Array;
}

/** Of the thread's own CPU: 10 MB take 0.2 s, its start included; what needs longer than this is running in circles. */
const CPU_SECONDS = 4;
/** By the clock, for a thread that only waits; many times what a busy machine needs. */
const SECONDS = 60;
/** Between two looks at the thread's CPU time. */
const LOOK_MS = 250;
/** Many times the largest file's tables. */
const MAX_HEAP_MB = 512;
const THREAD = new URL('./demux-thread.ts', import.meta.url);

/** Takes an MP4, QuickTime or WebM file apart; a sentence of what is wrong with it otherwise. `thread` and `cpuSeconds` are for tests. */
export function demux(file: Uint8Array, thread: URL = THREAD, cpuSeconds = CPU_SECONDS): Promise<Demuxed | string> {
  return new Promise(resolve => {
    const worker = new Worker(thread, {
      workerData: file,
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const end = (answer: Demuxed | string) => {
      clearTimeout(late);
      clearInterval(looks);
      void worker.terminate();
      resolve(answer);
    };
    const circles = 'it is damaged: it cannot be taken apart';
    const late = setTimeout(() => end(circles), SECONDS * 1000);
    const looks = setInterval(() => {
      const used = ({ user, system }: NodeJS.CpuUsage) => void (user + system > cpuSeconds * 1e6 && end(circles));
      worker.cpuUsage().then(used, () => undefined); // it rejects where the thread is over, and that is told below
    }, LOOK_MS);
    worker.once('message', end);
    worker.once('error', () => end('it is damaged, or its format is not known here'));
    worker.once('exit', () => end('it is damaged'));
  });
}
