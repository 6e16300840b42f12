import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, type Job, percentDone } from '#core/job.ts';
import type { Embedded } from '#local/embedded.ts';

const LOOK_EVERY_MS = 80;
const BAR = 24;

const WORDS: Readonly<Record<string, string>> = {
  loading: 'loading the model',
  encoding_prompt: 'reading the prompt',
  denoising: 'denoising',
  decoding: 'decoding frames',
  encoding_video: 'encoding the video',
  marking: 'marking the video',
  committing: 'storing',
};

/** Waits for a job's end and draws its progress on stderr: one moving line on a terminal, a line per phase elsewhere. */
export async function watchJob(embedded: Embedded, job: Job, options: { quiet: boolean }): Promise<Job> {
  const startedMs = Date.now();
  const draw = options.quiet ? () => undefined : drawer(process.stderr);
  for (let now: Job | undefined = job; now !== undefined; now = await embedded.deps.store.load(job.id)) {
    draw(now, Date.now() - startedMs);
    if (isTerminal(now.status)) return now;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error('the job was removed while it was watched');
}

function drawer(out: NodeJS.WriteStream): (job: Job, elapsedMs: number) => void {
  let last = '';
  return (job, elapsedMs) => {
    const percent = percentDone(job);
    const phase = job.progress?.phase;
    const words = isTerminal(job.status) ? job.status : phase === undefined ? 'queued' : (WORDS[phase] ?? phase);
    const steps = phase === 'denoising' ? ` ${job.progress?.step}/${job.progress?.steps}` : '';
    if (!out.isTTY) {
      if (words !== last) out.write(`${percent} % ${words}\n`);
      last = words;
      return;
    }
    const full = Math.round((percent / 100) * BAR);
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
    out.write(
      `\r\x1b[2K  ${bar} ${String(percent).padStart(3)} %  ${words}${steps}  ${(elapsedMs / 1000).toFixed(1)} s`,
    );
    if (isTerminal(job.status)) out.write('\n');
  };
}
