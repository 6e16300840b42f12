import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { isInReview, type Job } from '#core/job.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import type { Upload } from '#core/references/read-reference.ts';
import { toWarnings } from '#functions/wire.ts';
import { type Embedded, LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { tellMadeKeys } from './made-keys.ts';
import { onStop } from './on-stop.ts';
import { readUpload } from './read-upload.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';
import { watchJob } from './watch-job.ts';

interface GenerateOptions {
  out?: string;
  json?: boolean;
  quiet?: boolean;
  [field: string]: string | boolean | undefined;
}

/** Flags that are fields of the request, by the name commander gives them. */
const FIELDS: Readonly<Record<string, string>> = {
  model: 'model',
  negative: 'negative_prompt',
  size: 'size',
  seconds: 'seconds',
  fps: 'fps',
  steps: 'num_inference_steps',
  guidance: 'guidance_scale',
  guidance2: 'guidance_scale_2',
  seed: 'seed',
  strength: 'strength',
  preset: 'preset',
  flowShift: 'flow_shift',
  stepCache: 'step_cache',
  residency: 'residency',
  consents: 'consents',
};

/** Flags that name a file: the field it is sent as, and the most bytes it may have. */
const FILES = [
  ['image', 'image_reference', limits.maxReferenceImageBytes],
  ['video', 'video_reference', limits.maxReferenceVideoBytes],
] as const;

/** `reelay generate` */
export function generateCommand(): Command {
  return new Command('generate')
    .description('make one video and print its path; needs no server, and shares the data folder with one')
    .argument('<prompt...>', 'what the video should show')
    .option('--image <file>', 'start from this image: PNG, JPEG or WebP, stretched to the size')
    .option('--video <file>', 'start from this video: MP4, MOV or WebM, stretched to the size')
    .option('--strength <x>', 'how far the result goes from the video, 0 to 1')
    .option('--out <file>', 'copy the MP4 there')
    .option('--seed <n>', 'same seed and settings, same frames; 0 to 4294967295')
    .option('--seconds <n>', 'length; `reelay models list` shows what a model makes')
    .option('--size <WxH>', 'width and height in pixels')
    .option('--fps <n>', 'frames a second')
    .option('--steps <n>', 'denoising steps')
    .option('--guidance <x>', 'classifier-free guidance scale')
    .option('--guidance-2 <x>', 'the same for the second network of a model that has two')
    .option('--flow-shift <x>', 'shift of the noise schedule, where the model has one')
    .option('--step-cache <x>', 'skip runs that change little: 0 (none) to 1')
    .option('--preset <name>', 'settings that the model names, such as fast')
    .option('--negative <text>', 'what it should not show')
    .option('--residency <class>', 'where it may be processed: standard, sovereign, or a class of REELAY_RESIDENCY')
    .option('--consents <ids>', 'consent records of people who are to be seen: con_…, with commas between')
    .option('--model <id>', 'which model; else the first that does what is asked')
    .option('--json', 'print one JSON object instead of the path')
    .option('--quiet', 'no progress line')
    .addHelpText(
      'after',
      '\nJobs that already wait in the data folder come first.\nExit codes: 0 made, 1 failed or cancelled, 2 bad request.',
    )
    .action(async (words: string[], options: GenerateOptions) => generate(words.join(' '), options));
}

async function generate(prompt: string, options: GenerateOptions): Promise<void> {
  const out = options.out === undefined ? undefined : await checkedTarget(options.out);
  const files = await readFiles(options);
  const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
  const isQuiet = options.quiet === true || options.json === true;
  if (!isQuiet) tellMadeKeys(embedded);
  try {
    const input: Record<string, unknown> = { prompt, ...files };
    for (const [flag, field] of Object.entries(FIELDS)) if (options[flag] !== undefined) input[field] = options[flag];
    const job = await submit(embedded.deps, LOCAL_TENANT, input);
    if (isInReview(job)) return tellReview(job, options.json === true);
    const interrupt = () => void cancel(embedded.deps, LOCAL_TENANT, job.id).catch(() => process.exit(1));
    onStop(interrupt);
    embedded.work();
    const ended = await watchJob(embedded, job, { quiet: isQuiet });
    await report(embedded, ended, out, options.json === true);
  } finally {
    await embedded.close();
  }
}

/** Without keys whoever is at the machine is one person, and nobody reviews what they asked for. */
function tellReview(job: Job, json: boolean): void {
  const { id, status, review } = job;
  if (json)
    process.stdout.write(`${JSON.stringify({ id, status, stage: 'review', path: null, review: review?.id })}\n`);
  process.stderr.write(
    `reelay: ${id} waits until somebody else has looked at it, 48 hours at most: REELAY_API_KEY=<a key with the scope policy:review> reelay policy reviews show ${review?.id}, then approve or deny.\n`,
  );
  process.exitCode = 1;
}

async function readFiles(options: GenerateOptions): Promise<Record<string, Upload>> {
  const files: Record<string, Upload> = {};
  for (const [flag, field, maxBytes] of FILES) {
    const path = options[flag];
    if (typeof path === 'string') files[field] = await readUpload(`--${flag}`, path, maxBytes);
  }
  return files;
}

/** Found out before the rendering, not after it. */
async function checkedTarget(out: string): Promise<string> {
  const target = resolve(out);
  const bad = (why: string) => new ReelayError('invalid_request', `--out: ${why}`);
  if (!target.endsWith('.mp4')) throw bad(`got "${out}"; the file's name ends in .mp4.`);
  const folder = await stat(dirname(target)).catch(() => undefined);
  if (folder?.isDirectory() !== true) throw bad(`the folder ${dirname(target)} does not exist.`);
  const there = await stat(target).catch(() => undefined);
  if (there?.isDirectory() === true) throw bad(`${target} is a folder.`);
  return target;
}

async function report(embedded: Embedded, job: Job, out: string | undefined, json: boolean): Promise<void> {
  const { video } = job.artifacts;
  const stored = video === undefined ? null : embedded.pathOf(video.key);
  const path = stored !== null && out !== undefined ? await copyWhole(stored, out) : stored;
  const { id, status, error, attempt } = job;
  if (json) {
    const facts = {
      id,
      status,
      path,
      sha256: video?.sha256 ?? null,
      frames_sha256: job.marking?.framesSha256 ?? null,
      bytes: video?.bytes ?? null,
      seed: job.request.seed,
      warnings: toWarnings(job),
    };
    process.stdout.write(`${JSON.stringify({ ...facts, model: job.request.model, attempt, error })}\n`);
  } else if (path !== null) process.stdout.write(`${path}\n`);
  if (!json) for (const { message } of toWarnings(job)) process.stderr.write(`reelay: ${message}\n`);
  if (path !== null) return;
  process.exitCode = 1;
  if (!json) process.stderr.write(`reelay: the video ${status}: ${error?.message ?? 'no reason given'}\n`);
}

/** A reader of `out` never sees half a file. */
async function copyWhole(from: string, out: string): Promise<string> {
  const partial = `${out}.part`;
  try {
    await writeFile(partial, await readFile(from)); // with the permissions of a file of yours, not of the store's
    await rename(partial, out);
  } catch (cause) {
    await rm(partial, { force: true });
    const code = (cause as NodeJS.ErrnoException).code;
    throw new ReelayError('invalid_request', `--out: ${out} cannot be written (${code}); the video is at ${from}.`, {
      cause,
    });
  }
  return out;
}
