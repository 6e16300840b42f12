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

/** 10 MB take 0.2 s here, the thread's start included; what needs longer than this is running in circles. */
const SECONDS = 4;
/** Many times the largest file's tables. */
const MAX_HEAP_MB = 512;

/** Takes an MP4, QuickTime or WebM file apart; a sentence of what is wrong with it otherwise. */
export function demux(file: Uint8Array): Promise<Demuxed | string> {
  return new Promise(resolve => {
    const thread = new Worker(new URL('./demux-thread.ts', import.meta.url), {
      workerData: file,
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const end = (answer: Demuxed | string) => {
      clearTimeout(late);
      void thread.terminate();
      resolve(answer);
    };
    const late = setTimeout(() => end('it is damaged: it cannot be taken apart'), SECONDS * 1000);
    thread.once('message', end);
    thread.once('error', () => end('it is damaged, or its format is not known here'));
    thread.once('exit', () => end('it is damaged'));
  });
}
