/** @file Of a server's answers what `reelay eval` uses, looked at before it is used: any program may listen at a URL. */
import type { ModelDefaults, Task } from '#core/models.ts';

/** A model on offer. */
export interface WireModel {
  readonly id: string;
  readonly digest: string;
  readonly defaults: Pick<ModelDefaults, 'size' | 'frames' | 'fps'>;
}

/** A Video. */
export interface WireVideo {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly message: string } | null;
  readonly task: Task;
  readonly size: string;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly num_frames: number;
  readonly fps: number;
}

/** The list of models; undefined for anything else. */
export function readModels(answer: unknown): { readonly data: readonly WireModel[] } | undefined {
  const { data } = fieldsOf(answer);
  return Array.isArray(data) && data.every(isModel) ? { data } : undefined;
}

function isModel(value: unknown): boolean {
  const { id, digest, defaults } = fieldsOf(value);
  const { size, frames, fps } = fieldsOf(defaults);
  return [id, digest].every(isText) && isSize(size) && [frames, fps].every(isCount);
}

/** A Video; undefined for anything else. */
export function readVideo(answer: unknown): WireVideo | undefined {
  const { id, state, error, task, size, num_inference_steps, guidance_scale, num_frames, fps } = fieldsOf(answer);
  const isWhole =
    [id, state, task].every(isText) &&
    (error === null || isText(fieldsOf(error).message)) &&
    isSize(size) &&
    [num_inference_steps, num_frames, fps].every(isCount) &&
    Number.isFinite(guidance_scale);
  return isWhole ? (answer as WireVideo) : undefined;
}

const fieldsOf = (value: unknown) => Object(value) as Readonly<Record<string, unknown>>;
const isText = (value: unknown) => typeof value === 'string';
const isCount = (value: unknown) => Number.isFinite(value) && (value as number) > 0;
const isSize = (value: unknown) => typeof value === 'string' && /^[1-9]\d{0,4}x[1-9]\d{0,4}$/.test(value);
