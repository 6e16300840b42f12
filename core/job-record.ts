/** How a stored record becomes a Job again, whichever version wrote it. */
import type { Job } from './job.ts';
import { defaultResidency } from './policy/residency.ts';
import type { VideoRequest } from './video-request.ts';

/** What jobs have had since the first version, as a record from before would have had it. */
const ADDED_SINCE_1 = {
  content: null,
  review: null,
  subject: null,
  sealed: null,
  erased: false,
  keyId: null,
  terms: null,
  maxCost: null,
  priority: 'normal',
  deadlineAtMs: null,
  webhookUrl: null,
  restarts: 0,
  notBeforeMs: 0,
  checkpoint: null,
  furthestStep: 0,
  claim: null,
  redriveOf: null,
  remixOf: null,
  acceptedAt: null,
  placements: [],
  receipt: null,
  marking: null,
  warnings: [],
  disclosure: null,
  keptDays: null,
} as const satisfies Partial<Job>;

/** Likewise in the request: there was text-to-video only, and one class. */
const ADDED_TO_REQUEST_SINCE_1 = {
  task: 't2v',
  strength: null,
  reference: null,
  guidance_scale_2: null,
  flow_shift: null,
  step_cache: null,
  residency: defaultResidency,
} as const satisfies Partial<VideoRequest>;

/** A stored record as a Job: fields that came after it was written get what they would have had. Adapters read with this. */
export function jobFromRecord(json: string): Job {
  const record = JSON.parse(json) as Job;
  return { ...ADDED_SINCE_1, ...record, request: { ...ADDED_TO_REQUEST_SINCE_1, ...record.request } };
}
