import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReelayError } from '#core/errors.ts';
import type { EvalSettings } from '#gpu-container/evaluation/report.ts';
import { readReferenceVideo } from '#gpu-container/media/decode-video.ts';
import { readModels, readVideo, type WireVideo } from './eval-answers.ts';
import { evalLimits } from './eval-limits.ts';
import type { ClipSource, EvalAsk } from './eval-source.ts';

/** Which server is asked, and for what. */
export interface ServerSourceOptions {
  readonly url: string;
  /** The first one where it is undefined. */
  readonly model: string | undefined;
  /** Sent as a bearer token; '' where the server asks for none. */
  readonly key: string;
  /** Version of this program. */
  readonly engine: string;
}

/**
 * Clips of a running Reelay: create, wait, download, decode. They were enlarged, marked and encoded, and are judged at the size that
 * was asked for. There are no latents, and nothing is known before the server has said so.
 */
export async function openServerSource(options: ServerSourceOptions): Promise<ClipSource> {
  const call = callerOf(options);
  const { data } = await call.json(readModels, '/v1/videos/models');
  const model = options.model === undefined ? data[0] : data.find(one => one.id === options.model);
  if (model === undefined)
    throw new ReelayError(
      'model_not_found',
      `There is no model "${options.model ?? ''}"; the server offers: ${data.map(one => one.id).join(', ')}.`,
    );
  const scratch = await mkdtemp(join(tmpdir(), 'reelay-eval-'));
  const { engine } = options;
  const unknown = { ort: null, provider: null, precision: null, threads: null };
  return {
    subject: { model: model.id, bundle: model.digest, engine, ...unknown, through: 'server' },
    size: model.defaults.size,
    frames: model.defaults.frames,
    fps: model.defaults.fps,
    check: () => null,
    async make(ask) {
      const created = await call.json(readVideo, '/v1/videos', fieldsOf(ask, model.id));
      const video = await ended(created, call);
      const file = join(scratch, 'video.mp4');
      await writeFile(file, await call.bytes(`/v1/videos/${video.id}/content`));
      const [width, height] = video.size.split('x').map(Number) as [number, number];
      const shape = { width, height, frames: video.num_frames, fps: video.fps };
      const rgb = await readReferenceVideo(file, shape).catch((cause: unknown) => {
        throw new ReelayError('render_failed', "The server's video cannot be read.", { cause });
      });
      const framesSha256 = createHash('sha256').update(rgb).digest('hex');
      const clip = { frames: shape.frames, height, width, rgb };
      return { clip, latents: [], latentsSha256: '', framesSha256, settings: settingsOf(video, ask) };
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

function settingsOf(video: WireVideo, { preset }: EvalAsk): EvalSettings {
  const { task, num_inference_steps: steps, guidance_scale: guidance, size, num_frames: frames, fps } = video;
  return { task, preset: preset ?? null, steps, guidance, size, frames, fps };
}

function fieldsOf({ prompt, seed, preset, steps, guidance, reference }: EvalAsk, model: string) {
  const type = reference?.field === 'video_reference' ? 'video/mp4' : 'image/png';
  const key = reference?.field === 'video_reference' ? 'video_url' : 'image_url';
  const file = reference && {
    [reference.field]: { [key]: `data:${type};base64,${Buffer.from(reference.bytes).toString('base64')}` },
  };
  return { model, prompt, seed, preset, num_inference_steps: steps, guidance_scale: guidance, ...file };
}

/** The video when it is there; `render_failed` where the job ended otherwise or takes too long. */
async function ended(video: WireVideo, call: Caller): Promise<WireVideo> {
  const untilMs = performance.now() + evalLimits.serverSeconds * 1000;
  for (let now = video; ; now = await call.json(readVideo, `/v1/videos/${video.id}`)) {
    if (now.state === 'completed') return now;
    if (['failed', 'cancelled', 'expired'].includes(now.state))
      throw new ReelayError('render_failed', now.error?.message ?? `The server says: ${now.state}.`);
    if (performance.now() > untilMs)
      throw new ReelayError('render_failed', `The video was not there after ${evalLimits.serverSeconds} s.`);
    await sleep(evalLimits.serverPollMs);
  }
}

interface Caller {
  json<T>(read: (answer: unknown) => T | undefined, path: string, body?: unknown): Promise<T>;
  bytes(path: string): Promise<Uint8Array>;
}

function callerOf({ url, key }: ServerSourceOptions): Caller {
  const base = baseOf(url);
  const call = async (path: string, body?: unknown): Promise<Response> => {
    const headers = {
      ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
    for (let tries = 1; ; tries++) {
      const answer = await fetch(`${base}${path}`, { ...init, signal: AbortSignal.timeout(60_000) }).catch(cause => {
        throw new ReelayError('store_unavailable', `--server: ${base} does not answer.`, { cause });
      });
      if (answer.ok) return answer;
      const isBusy = answer.status === 429 || answer.status === 503; // refused: nothing was begun
      if (!isBusy || tries === evalLimits.serverTries) throw await refusal(answer);
      await answer.body?.cancel();
      await sleep(1000 * Math.min(evalLimits.serverWaitSeconds, Number(answer.headers.get('retry-after')) || tries));
    }
  };
  const bytes = async (path: string, body?: unknown) => {
    const answer = await call(path, body);
    return answer.bytes().catch((cause: unknown) => {
      throw new ReelayError('store_unavailable', `--server: ${base} did not answer to the end.`, { cause });
    });
  };
  return {
    async json(read, path, body) {
      const found = read(parsed(Buffer.from(await bytes(path, body)).toString('utf8')));
      if (found === undefined)
        throw new ReelayError('store_unavailable', `--server: ${base} does not answer as a Reelay does.`);
      return found;
    },
    bytes,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function baseOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:')
    throw new ReelayError(
      'invalid_request',
      `--server: got "${url.slice(0, 80)}"; a URL such as http://127.0.0.1:4180 is allowed.`,
    );
  return parsed.href.replace(/\/(v1\/?)?$/, '');
}

/** What the server says is wrong with the request is wrong with the flags; a server in trouble is not. */
async function refusal(answer: Response): Promise<ReelayError> {
  const body = (await answer.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  const said = body?.error?.message ?? `it answered ${answer.status}.`;
  if (answer.status === 401)
    return new ReelayError('unauthorized', `--server: a key is needed, in REELAY_API_KEY: ${said}`);
  const isBusy = answer.status === 429 || answer.status >= 500;
  return new ReelayError(isBusy ? 'store_unavailable' : 'invalid_request', `--server: ${said}`);
}
