/** New videos from videos that are there: a remix has another prompt, an edit starts from the pixels. */
import { invalidRequest, type Problem, ReelayError } from '../errors.ts';
import type { Artifact, Job } from '../job.ts';
import { limits } from '../limits.ts';
import { describeTasks, type ModelCatalog, type Task } from '../models.ts';
import { isWithin } from '../policy/residency.ts';
import { isUpload, referenceFields } from '../references/read-reference.ts';
import { withStored } from '../references/store-reference.ts';
import { readJob } from './read.ts';
import { madeFromWire, wireHashOf } from './submission-claims.ts';
import { type SubmitOptions, type SubmitPorts, submit, withInputAgain } from './submit.ts';

/** What a remix may say beside its prompt: nothing that changes how the video is made. */
const REMIX_FIELDS = ['prompt', 'metadata', 'priority', 'deadline', 'webhook_url', 'max_cost', 'user', 'consents'];

/**
 * A new job with the settings, the seed and the reference of a completed one, and another prompt. Throws what `submit` throws, `not_found`
 * for an unknown source, `unsupported_operation` for one that is not completed, `expired` when its reference is gone.
 */
export async function remix(
  ports: SubmitPorts,
  tenant: string,
  id: string,
  input: unknown,
  options: SubmitOptions,
): Promise<Job> {
  const body = objectOf(input);
  const problems = Object.keys(body)
    .filter(field => !REMIX_FIELDS.includes(field))
    .map(field => unknownField(field, REMIX_FIELDS));
  if (problems.length > 0) throw invalidRequest(problems);
  const wire = wireHashOf(ports, { route: 'remix', id, body });
  const made = await madeFromWire(ports, tenant, options.idempotencyKey, wire);
  if (made !== undefined) return made;
  const source = await completedJob(ports, tenant, id, 'id');
  const { subject } = source;
  return withInputAgain(ports, source, ({ metadata: _, prompt: __, ...settings }) =>
    submit(ports, tenant, { ...settings, ...body }, { ...options, wire, remixOf: source.id, subject }),
  );
}

/**
 * A new job that starts from a video: an uploaded one, or the output of a completed job, whose size and length it then has where the
 * input says nothing. Throws as `remix` does, and `unsupported_operation` where no model offers video-to-video.
 */
export async function edit(ports: SubmitPorts, tenant: string, input: unknown, options: SubmitOptions): Promise<Job> {
  requireTask(ports.models, 'v2v', 'edit');
  const { video, ...body } = objectOf(input);
  const problems = Object.keys(referenceFields)
    .filter(field => field in body)
    .map(asVideo);
  if (problems.length > 0) throw invalidRequest(problems);
  if (isUpload(video)) return submitEdit(ports, tenant, { ...body, video_reference: video }, options);
  const id = video !== null && typeof video === 'object' && 'id' in video ? video.id : undefined;
  if (typeof id !== 'string') {
    const message = 'video: expected a file, or video[id] with the id of a completed video.';
    throw invalidRequest([{ path: 'video', message }]);
  }
  const wire = wireHashOf(ports, { route: 'edit', id, body });
  const made = await madeFromWire(ports, tenant, options.idempotencyKey, wire);
  if (made !== undefined) return made;
  const source = await completedJob(ports, tenant, id, 'video[id]');
  checkResidency(ports, source, body);
  const residency = body.residency === undefined ? source.request.residency : body.residency;
  const fields = { ...shapeOf(ports.models, source, body), ...body, residency };
  return withStored(ports, outputOf(ports, source), file =>
    submitEdit(ports, tenant, { ...fields, video_reference: file }, { ...options, wire, subject: source.subject }),
  );
}

/** The pixels of a video go only where the video itself might have gone. Whether the class exists is the parser's to say. */
function checkResidency({ classes }: SubmitPorts, { request }: Job, { residency }: Record<string, unknown>): void {
  const own = request.residency;
  if (residency === undefined || residency === own || typeof residency !== 'string') return;
  if (!Object.hasOwn(classes, residency) || isWithin(classes, residency, own)) return;
  const message = `residency: got "${residency}"; this video is "${own}", and what is made from it stays within that.`;
  throw invalidRequest([{ path: 'residency', message }]);
}

/** Fails where no model offers a task. */
export function requireTask(models: ModelCatalog, task: Task, call: string): void {
  if (models.some(({ tasks }) => tasks.includes(task))) return;
  const offered = [...new Set(models.flatMap(({ tasks }) => tasks))];
  const message = `${call}: this takes a model that offers ${describeTasks([task])}; offered here: ${describeTasks(offered)}.`;
  throw new ReelayError('unsupported_operation', message);
}

/** The parser knows the file as `video_reference`; the sender called it `video`. */
async function submitEdit(
  ports: SubmitPorts,
  tenant: string,
  input: Record<string, unknown>,
  options: SubmitOptions,
): Promise<Job> {
  try {
    return await submit(ports, tenant, input, options);
  } catch (error) {
    if (!(error instanceof ReelayError) || error.problems.length === 0) throw error;
    const problems = error.problems.map(({ path, message }) => ({
      path: path.replace(/^video_reference/, 'video'),
      message: message.replace(/^video_reference/, 'video'),
    }));
    throw invalidRequest(problems, error.code);
  }
}

/** Model, size and length of the source, less what the input says itself. */
function shapeOf(models: ModelCatalog, { request }: Job, body: Record<string, unknown>): Record<string, unknown> {
  const says = (...fields: string[]) => fields.some(field => body[field] !== undefined);
  const canEdit = models.find(({ id }) => id === request.model)?.tasks.includes('v2v') === true;
  return {
    ...(canEdit ? { model: request.model } : {}),
    ...(says('size', 'width', 'height') ? {} : { size: request.size }),
    ...(says('seconds', 'num_frames', 'fps') ? {} : { num_frames: request.num_frames, fps: request.fps }),
  };
}

async function completedJob(ports: SubmitPorts, tenant: string, id: string, path: string): Promise<Job> {
  const job = await readJob(ports.store, tenant, id);
  if (job.status === 'completed') return job;
  const message = `${path}: this video is ${job.status}; only a completed one can be used.`;
  throw invalidRequest([{ path, message }], 'unsupported_operation');
}

/** Its size is looked at before its bytes. */
function outputOf(ports: SubmitPorts, job: Job): Artifact {
  const { video } = job.artifacts;
  const isOver = job.expiresAtMs !== null && job.expiresAtMs <= ports.now();
  if (video === undefined || isOver)
    throw new ReelayError('expired', 'This video has expired and its content was removed.');
  if (video.bytes <= limits.maxReferenceVideoBytes) return video;
  const message = `video[id]: it has ${video.bytes} bytes; a video may have ${limits.maxReferenceVideoBytes}.`;
  throw invalidRequest([{ path: 'video[id]', message }]);
}

function objectOf(input: unknown): Record<string, unknown> {
  if (input !== null && typeof input === 'object' && !Array.isArray(input)) return input as Record<string, unknown>;
  throw invalidRequest([{ path: 'body', message: 'body: expected an object with a "prompt".' }]);
}

function asVideo(field: string): Problem {
  return { path: field, message: `${field}: an edit takes its file as video; send it there.` };
}

function unknownField(field: string, known: readonly string[]): Problem {
  const path = field.slice(0, 64);
  return { path, message: `${path}: a remix has the settings of its source; it takes ${known.join(', ')}.` };
}
