import type { Job, JobStatus } from '#core/job.ts';
import { isInReview, percentDone } from '#core/job.ts';
import { warningText } from '#core/job-warnings.ts';
import type { Standing } from '#core/jobs/standing.ts';
import type { ModelCard } from '#core/models.ts';
import { describeRange, offeredSeconds } from '#core/models.ts';
import type { Reference } from '#core/video-request.ts';
import { toUsage } from './money-wire.ts';

/**
 * The Video object of the Videos API (`openai` client 7.55.0, resources/videos.d.ts), then our additions. The client's type has no
 * `cancelled`, and its pollers wait for completed or failed: so `status` says failed with code "cancelled" unless the caller asked
 * for the native word, and `state` always says what it is.
 */
export function toVideo(job: Job, native = false, standing?: Standing) {
  const error = job.status === 'cancelled' ? { code: 'cancelled', message: 'The job was cancelled.' } : job.error;
  return {
    id: job.id,
    object: 'video',
    status: wireStatus(job.status, native),
    state: job.status,
    progress: percentDone(job),
    created_at: seconds(job.createdAtMs),
    completed_at: job.completedAtMs === null ? null : seconds(job.completedAtMs),
    expires_at: job.expiresAtMs === null ? null : seconds(job.expiresAtMs),
    model: job.request.model,
    prompt: job.erased ? null : job.request.prompt,
    erased: job.erased,
    seconds: String(job.request.seconds),
    size: job.request.size,
    remixed_from_video_id: job.remixOf,
    error,
    stage: isInReview(job) ? 'review' : (job.progress?.phase ?? null),
    step: job.progress?.step ?? null,
    started_at: job.startedAtMs === null ? null : seconds(job.startedAtMs),
    render_seconds: renderSeconds(job),
    seed: job.request.seed,
    fps: job.request.fps,
    num_frames: job.request.num_frames,
    num_inference_steps: job.request.num_inference_steps,
    guidance_scale: job.request.guidance_scale,
    guidance_scale_2: job.request.guidance_scale_2,
    flow_shift: job.request.flow_shift,
    step_cache: job.request.step_cache,
    negative_prompt: job.erased ? null : job.request.negative_prompt,
    metadata: job.request.metadata,
    task: job.request.task,
    strength: job.request.strength,
    reference: toReference(job.request.reference),
    attempt: job.attempt,
    residency: job.request.residency,
    placement: toPlacement(job),
    priority: job.priority,
    deadline: job.deadlineAtMs === null ? null : seconds(job.deadlineAtMs),
    queue_position: standing?.queuePosition ?? null,
    eta: toEta(standing?.eta ?? null),
    checkpoint_step: job.checkpoint?.step ?? null,
    redrive_of: job.redriveOf,
    model_digest: job.modelDigest,
    usage: toUsage(job),
    warnings: toWarnings(job),
    sha256: job.artifacts.video?.sha256 ?? null,
    provenance: toProvenance(job),
    cancel_requested_at: job.cancelRequestedAtMs === null ? null : seconds(job.cancelRequestedAtMs),
  };
}

/** Where the newest attempt runs or ran; null before the first. The receipt tells all of them, signed, once the video is there. */
function toPlacement(job: Job) {
  const last = job.placements.at(-1);
  if (last === undefined) return null;
  const receiptUrl = job.receipt === null ? null : `/v1/videos/${job.id}/receipt`;
  return { site: last.site, zone: last.region, pool: last.pool, receipt_url: receiptUrl };
}

/** What a video leaves out of its prompt. It quotes the prompt: there is none once that is erased. */
export function toWarnings({ warnings }: Pick<Job, 'warnings'>) {
  return warnings.map(warning => ({
    code: warning.code,
    message: warningText(warning),
    ...(warning.code === 'unknown_words' && { words: warning.words }),
  }));
}

/** The marks in the file and what it is known by; null before there is one. `frames_sha256` is equal for equal requests and seeds. */
function toProvenance({ marking, artifacts }: Job) {
  if (marking === null) return null;
  const { manifestId, watermark, strength, size, payload, framesSha256 } = marking;
  return {
    manifest_id: manifestId,
    sha256: artifacts.video?.sha256 ?? null,
    frames_sha256: framesSha256,
    watermark: { method: watermark, strength, payload },
    size,
  };
}

/** What a video was started from, without where it lies. */
function toReference(reference: Reference | null) {
  if (reference === null) return null;
  return { content_type: reference.contentType, bytes: reference.bytes, sha256: reference.sha256 };
}

/** Seconds since the epoch, rounded outwards. */
function toEta(eta: Standing['eta']): { earliest: number; latest: number } | null {
  return eta === null ? null : { earliest: seconds(eta.earliestMs), latest: Math.ceil(eta.latestMs / 1000) };
}

/** From the first lease to the end, all attempts; null until then. */
function renderSeconds(job: Job): number | null {
  return job.startedAtMs === null || job.completedAtMs === null ? null : (job.completedAtMs - job.startedAtMs) / 1000;
}

function wireStatus(status: JobStatus, native: boolean): string {
  return status === 'cancelled' && !native ? 'failed' : status;
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** OpenAI's model object, for GET /v1/models. */
export function toModel(card: ModelCard) {
  return { id: card.id, object: 'model', created: card.created, owned_by: card.owned_by };
}

/** What a form or a script needs to make a valid request, for GET /v1/videos/models. */
export function toVideoModel(card: ModelCard) {
  return {
    ...toModel(card),
    description: card.description,
    license: card.license,
    license_terms: card.governance?.license ?? null,
    digest: card.digest,
    tasks: card.tasks,
    sizes: card.sizes,
    delivery: card.delivery ?? null,
    seconds: offeredSeconds(card).map(String),
    frames: { ...card.frames, rule: describeRange(card.frames) },
    fps: card.fps,
    num_inference_steps: card.num_inference_steps,
    guidance_scale: card.guidance_scale,
    presets: card.presets,
    has_two_experts: card.hasTwoExperts,
    max_prompt_chars: card.maxPromptChars,
    defaults: card.defaults,
  };
}
