import { accountLimits } from './accounts/account-limits.ts';
import type { Micros } from './accounts/budget.ts';
import { formatDollars, parseDollars } from './accounts/micros.ts';
import { userNameProblem } from './audit/subjects.ts';
import { invalidRequest, type Problem, ReelayError } from './errors.ts';
import { type Priority, priorities } from './job.ts';
import { describeTasks, type ModelCard, type ModelCatalog, type Task } from './models.ts';
import { isConsentId } from './policy/consents/consent-store.ts';
import { contentLimits } from './policy/content/content-limits.ts';
import { defaultResidency, type Place, type ResidencyClasses, residencyProblem } from './policy/residency.ts';
import { taskOf } from './references/media-type.ts';
import { isReferencePath, type ReferenceFile, readReference } from './references/read-reference.ts';
import { got, type RawRequest, readFields } from './request-fields.ts';
import { resolveRequest } from './resolve-request.ts';

/**
 * A request with every default filled in: what the worker renders, word for word. Field names are those of the wire.
 */
export interface VideoRequest {
  readonly model: string;
  readonly prompt: string;
  readonly negative_prompt: string;
  /** "WIDTHxHEIGHT", pixels. */
  readonly size: string;
  /** num_frames / fps. */
  readonly seconds: number;
  readonly num_frames: number;
  readonly fps: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  /** 0 .. 2^32-1. */
  readonly seed: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** What the reference makes of the request: without one it is t2v, with an image i2v, with a video v2v. */
  readonly task: Task;
  /** How far v2v goes from the reference, 0 to 1; null for the other tasks. */
  readonly strength: number | null;
  /** The image or video to start from; null for t2v. */
  readonly reference: Reference | null;
  /** Of a model with two experts the second one's guidance; null: as `guidance_scale`. */
  readonly guidance_scale_2: number | null;
  /** How far the noise schedule is shifted towards noise; null: as the bundle's scheduler says. */
  readonly flow_shift: number | null;
  /** Relative change that skipped denoiser runs may add up to (EasyCache); null: no run is skipped. */
  readonly step_cache: number | null;
  /** The class that says where it may be processed (policy/residency.ts). */
  readonly residency: string;
  /** Consent records of people who are to be seen (policy/consents); left out where none was named. */
  readonly consents?: readonly string[];
}

/** A reference as it lies in the blob store. */
export interface Reference {
  readonly key: string;
  /** Lower-case hex, of the bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /** What the bytes are, not what their sender said. */
  readonly contentType: string;
}

/** A whole submission: what to render, and what its sender asks of the queue. */
export interface Submission {
  /** Its `reference` is null until the file is stored. */
  readonly request: VideoRequest;
  /** What it starts from; null for t2v. */
  readonly file: ReferenceFile | null;
  readonly priority: Priority;
  readonly deadlineAtMs: number | null;
  readonly webhookUrl: string | null;
  /** The end user whom it is made for, as the caller calls them; stored as a pseudonym only. null: nobody was named. */
  readonly user: string | null;
  /** The most that it may cost; null: nothing was said. */
  readonly maxCost: Micros | null;
}

/** What parsing needs beside the models. */
export interface ParseOptions {
  /** Used when the input names none. */
  readonly seed: number;
  /** null: the time and the operator's rules are not looked at, only whether the request is well formed. */
  readonly nowMs: number | null;
  /** What is wrong with a webhook URL, in words; undefined: nothing. */
  readonly checkUrl: (url: string) => string | undefined;
  /** The rules of residency, and where the pools stand; with `nowMs` null any class is taken. */
  readonly residency: { readonly classes: ResidencyClasses; readonly servedPlaces: readonly Place[] };
  /** Whether no job is made of it whatever it says: only then may it ask for that. */
  readonly isQuote?: boolean;
}

/**
 * Any input to a Submission, or one `invalid_request` error with every problem found (`model_not_found` when only the model is unknown,
 * `unsupported_operation` when all that is wrong is that the model does not offer the task).
 */
export function parseSubmission(input: unknown, catalog: ModelCatalog, options: ParseOptions): Submission {
  if (input === null || typeof input !== 'object' || Array.isArray(input))
    throw invalidRequest([{ path: 'body', message: `body: expected an object with a "prompt", got ${got(input)}.` }]);
  const problems: Problem[] = [];
  const raw = readFields(input as Record<string, unknown>, problems);
  const file = readReference(raw, problems);
  const task = file === undefined ? 't2v' : taskOf(file.contentType);
  const card = findModel(raw.model, task, catalog);
  if (card === undefined) {
    const known = catalog.map(c => c.id).join(', ');
    problems.push({ path: 'model', message: `model: got ${got(raw.model)}; this server offers: ${known}.` });
    throw invalidRequest(problems, problems.length === 1 ? 'model_not_found' : 'invalid_request');
  }
  // What could not be read as a reference has been told: a second sentence about the task would only confuse.
  const isTold = file === undefined && problems.some(({ path }) => isReferencePath(path));
  const lacking = isTold || card.tasks.includes(task) ? undefined : lackingTask(card, task, file);
  const request = resolveRequest(raw, card, { seed: options.seed, task, lacking, file }, problems);
  const terms = resolveTerms(raw, options, problems);
  if (lacking !== undefined) problems.push(lacking);
  const consents = resolveConsents(raw, problems);
  const unserved = checkResidency(raw, options);
  if (unserved !== undefined) problems.push({ path: 'residency', message: unserved.message });
  if (problems.length > 0 || request === undefined) {
    const alone = problems.length === 1 ? unserved?.code : undefined;
    throw invalidRequest(problems, problems[0] === lacking ? 'unsupported_operation' : (alone ?? 'invalid_request'));
  }
  return { request: { ...request, ...consents }, file: file ?? null, ...terms };
}

function resolveConsents({ consents = [] }: RawRequest, problems: Problem[]): Pick<VideoRequest, 'consents'> {
  const ids = [...new Set(consents.map(id => id.trim()).filter(id => id !== ''))];
  const most = contentLimits.maxConsentsPerRequest;
  if (ids.length > most || !ids.every(isConsentId)) {
    const message = `consents: up to ${most} ids of consent records ("con_" and 32 digits and letters a to f) are allowed.`;
    problems.push({ path: 'consents', message });
  }
  return ids.length === 0 ? {} : { consents: ids };
}

function lackingTask(card: ModelCard, task: Task, file: ReferenceFile | undefined): Problem {
  const path = file?.path ?? 'input_reference';
  const asked = file === undefined ? 'got nothing, which asks for' : `got ${file.contentType}, which asks for`;
  const message = `${asked} ${describeTasks([task])}; ${card.id} offers ${describeTasks(card.tasks)}.`;
  return { path, message: `${path}: ${message}` };
}

function checkResidency(raw: RawRequest, { nowMs, residency }: ParseOptions) {
  return nowMs === null ? undefined : residencyProblem(residency, raw.residency ?? defaultResidency);
}

/** Deadlines further away than this are a mistake in the unit: milliseconds for seconds. */
const MAX_DEADLINE_DAYS = 366;

function resolveTerms(
  raw: RawRequest,
  options: ParseOptions,
  problems: Problem[],
): Omit<Submission, 'request' | 'file'> {
  const complain = (path: string, message: string) => void problems.push({ path, message: `${path}: ${message}` });
  const priority = priorities.find(p => p === (raw.priority ?? 'normal'));
  if (priority === undefined) complain('priority', `got ${got(raw.priority)}; ${priorities.join(', ')} are allowed.`);
  const nowSeconds = Math.floor((options.nowMs ?? 0) / 1000);
  const { deadline } = raw;
  if (
    options.nowMs !== null &&
    deadline !== undefined &&
    (deadline <= nowSeconds || deadline > nowSeconds + MAX_DEADLINE_DAYS * 86_400)
  )
    complain(
      'deadline',
      `got ${deadline}; Unix seconds after now (${nowSeconds}), at most ${MAX_DEADLINE_DAYS} days ahead, are allowed.`,
    );
  const maxCost = raw.max_cost === undefined ? null : parseDollars(raw.max_cost, accountLimits.maxJobMicros);
  if (maxCost === undefined)
    complain(
      'max_cost',
      `got ${got(raw.max_cost)}; dollars from 0 to ${formatDollars(accountLimits.maxJobMicros)}, with at most six decimals, are allowed.`,
    );
  if (raw.dry_run === true && options.isQuote !== true)
    complain('dry_run', 'only POST /v1/videos and POST /v1/videos/quote answer a dry run; no video was made.');
  const odd = raw.user === undefined ? undefined : userNameProblem(raw.user);
  if (odd !== undefined) complain('user', odd);
  const wrong = raw.webhook_url === undefined ? undefined : options.checkUrl(raw.webhook_url);
  if (wrong !== undefined) problems.push({ path: 'webhook_url', message: `webhook_url: ${wrong}` });
  return {
    priority: priority ?? 'normal',
    deadlineAtMs: deadline === undefined ? null : Math.floor(deadline * 1000),
    webhookUrl: raw.webhook_url ?? null,
    user: raw.user ?? null,
    maxCost: maxCost ?? null,
  };
}

/** The model of that name; without a name the first that offers the task, or the first of all, which then says what it offers. */
function findModel(name: string | undefined, task: Task, catalog: ModelCatalog): ModelCard | undefined {
  if (catalog.length === 0) throw new ReelayError('model_not_found', 'model: this server has no model loaded.');
  if (name !== undefined && name !== '') return catalog.find(card => card.id === name);
  return catalog.find(card => card.tasks.includes(task)) ?? catalog[0];
}
