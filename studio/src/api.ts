/** @file The HTTP API as the page uses it; nothing else here knows a path. */
import { key } from './key.ts';

export type VideoState = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled';

/** What the page reads of a Video object. `state` is the native status; times are Unix seconds. */
export interface Video {
  readonly id: string;
  readonly state: VideoState;
  /** 0 .. 100. */
  readonly progress: number;
  readonly stage: string | null;
  /** 1 is next; null when it is not queued. */
  readonly queue_position: number | null;
  readonly created_at: number;
  readonly completed_at: number | null;
  /** Of the sampler, while it samples. */
  readonly step: number | null;
  readonly render_seconds: number | null;
  readonly cancel_requested_at: number | null;
  readonly model: string;
  readonly prompt: string;
  readonly seconds: string;
  readonly size: string;
  readonly seed: number;
  readonly fps: number;
  readonly negative_prompt: string;
  readonly num_frames: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  /** null where the model has no such setting, or its own was used. */
  readonly guidance_scale_2: number | null;
  readonly flow_shift: number | null;
  readonly step_cache: number | null;
  readonly task: Task;
  /** Of v2v: how far it went from its video, 0 .. 1. */
  readonly strength: number | null;
  /** The image or video that it started from; its bytes stay on the server. */
  readonly reference: { readonly content_type: string; readonly bytes: number } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What it leaves out of its prompt; empty until it is completed. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** Text, image or video to video. */
export type Task = 't2v' | 'i2v' | 'v2v';

/** What the form offers for one model. */
export interface VideoModel {
  readonly id: string;
  readonly description: string;
  readonly tasks: readonly Task[];
  readonly sizes: readonly string[];
  readonly seconds: readonly string[];
  readonly num_inference_steps: { readonly min: number; readonly max: number };
  readonly guidance_scale: { readonly min: number; readonly max: number };
  readonly presets: Readonly<Record<string, Partial<Sampling>>>;
  readonly has_two_experts: boolean;
  readonly max_prompt_chars: number;
  readonly defaults: Sampling & { readonly size: string; readonly frames: number; readonly fps: number };
}

/** How a model samples, and what a preset changes of it. */
export interface Sampling {
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  /** Missing where the model's schedule has none. */
  readonly flow_shift?: number;
  readonly strength?: number;
}

/** What is known of a file: POST /v1/verify as the page reads it. */
export interface Verdict {
  readonly kind: 'ours_unaltered' | 'ours_altered' | 'marked_ours' | 'foreign_signed' | 'unknown' | 'unchecked';
  readonly sentences: readonly string[];
  readonly c2pa: {
    readonly state: 'valid' | 'valid_untrusted' | 'invalid' | 'none' | 'unchecked';
    readonly signer: string | null;
    readonly generator: string | null;
  };
  readonly watermark: {
    readonly state: 'found' | 'not_found' | 'unchecked';
    readonly agreeing_bits: number | null;
    readonly of_bits: number;
    readonly frames: number;
    readonly searched: boolean;
    readonly crop: object | null;
  };
  readonly registry: {
    readonly state: 'match' | 'no_match' | 'unchecked';
    readonly job: string | null;
    readonly model: string | null;
    /** Unix seconds. */
    readonly made_at: number | null;
    readonly same_bytes: boolean | null;
  };
}

/** Fields by their names on the wire. */
export type VideoRequest = Readonly<Record<string, string | number>>;

export interface VideoPage {
  readonly data: readonly Video[];
  readonly has_more: boolean;
}

/** Code `unreachable`: no answer at all. Else the server's own code, sentence and field. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly param: string | null;

  constructor(code: string, message: string, status = 0, param: string | null = null) {
    super(message);
    this.code = code;
    this.status = status;
    this.param = param;
  }
}

/** A healthy server answers in milliseconds; after this it counts as gone. */
const ANSWER_MS = 15_000;
/** And this is how long it reads an upload. */
const UPLOAD_MS = 60_000;

async function call<T>(method: string, path: string, body?: VideoRequest | FormData): Promise<T> {
  const response = await send(method, path, body);
  const answer = (await response.json().catch(() => undefined)) as T & { error?: ErrorBody };
  if (response.ok && answer !== undefined) return answer;
  throw errorOf(response, answer);
}

async function send(method: string, path: string, body?: VideoRequest | FormData): Promise<Response> {
  const headers: Record<string, string> = key.value === '' ? {} : { authorization: `Bearer ${key.value}` };
  if (body !== undefined && !(body instanceof FormData)) headers['content-type'] = 'application/json; charset=utf-8';
  try {
    return await fetch(path, {
      method,
      headers,
      signal: AbortSignal.timeout(body instanceof FormData ? UPLOAD_MS : ANSWER_MS),
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError('unreachable', 'The server does not answer.');
  }
}

function errorOf(response: Response, answer: { error?: ErrorBody } | undefined): ApiError {
  const {
    code = 'unknown',
    message = `The server answered with status ${response.status}.`,
    param = null,
  } = answer?.error ?? {};
  return new ApiError(code, plainly(code, message), response.status, param);
}

/** The server names the header and the scope; a person has a key that may do less than they thought. */
function plainly(code: string, message: string): string {
  const scope = code === 'forbidden' ? /lacks the scope "([\w:]+)"/.exec(message)?.[1] : undefined;
  if (scope === undefined) return message;
  return `This key may not do that: it lacks “${scope}”. Whoever gave it to you can give you one that may.`;
}

interface ErrorBody {
  readonly code?: string;
  readonly message?: string;
  readonly param?: string | null;
}

const pathOf = (id: string) => `/v1/videos/${encodeURIComponent(id)}`;

const SESSION_PATH = '/studio/session';

/** Trades the key for the cookie of the player, the thumbnails and the event streams. */
export async function openSession(): Promise<void> {
  const response = await send('POST', SESSION_PATH);
  if (!response.ok) throw errorOf(response, (await response.json().catch(() => undefined)) as { error?: ErrorBody });
}

/** Gives that cookie back. */
export async function closeSession(): Promise<void> {
  await send('DELETE', SESSION_PATH);
}

export async function listModels(): Promise<readonly VideoModel[]> {
  return (await call<{ data: readonly VideoModel[] }>('GET', '/v1/videos/models')).data;
}

/** Newest first; `after` is the id of the last video already known. */
export function listVideos(limit: number, after?: string): Promise<VideoPage> {
  const query = new URLSearchParams({ limit: String(limit), order: 'desc', ...(after === undefined ? {} : { after }) });
  return call('GET', `/v1/videos?${query}`);
}

/** With a file to start from as multipart: an image or a video, told apart by its bytes. */
export function createVideo(request: VideoRequest, file?: Blob): Promise<Video> {
  if (file === undefined) return call('POST', '/v1/videos', request);
  const form = new FormData();
  for (const [name, value] of Object.entries(request)) form.set(name, String(value));
  form.set('input_reference', file, 'reference');
  return call('POST', '/v1/videos', form);
}

/** With `search` parts of the frame are tried as well, for some seconds. */
export function verifyFile(file: Blob, search: boolean): Promise<Verdict> {
  const form = new FormData();
  form.set('file', file, 'file');
  form.set('search', String(search));
  return call('POST', '/v1/verify', form);
}

export function retrieveVideo(id: string): Promise<Video> {
  return call('GET', pathOf(id));
}

export function cancelVideo(id: string): Promise<Video> {
  return call('POST', `${pathOf(id)}/cancel`);
}

export async function deleteVideo(id: string): Promise<void> {
  await call('DELETE', pathOf(id));
}

export function contentUrl(id: string, variant: 'video' | 'thumbnail'): string {
  return `${pathOf(id)}/content?variant=${variant}`;
}

export function eventsUrl(id: string): string {
  return `${pathOf(id)}/events`;
}
