import type { QueueMessage } from '#core/ports.ts';

/** What a body says. A message of another version than 1 is a newer worker's business; without a version it is nobody's. */
export function decodeBody(body: string): QueueMessage | 'unknown version' | 'garbage' {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'garbage';
  }
  if (typeof value !== 'object' || value === null || !('v' in value) || !Number.isInteger(value.v)) return 'garbage';
  if (value.v !== 1) return 'unknown version';
  if (!('jobId' in value) || typeof value.jobId !== 'string') return 'garbage';
  return messageOf(value.jobId, 'reason' in value && typeof value.reason === 'string' ? value.reason : undefined);
}

/** A message without what QueueMessage does not have. */
export function messageOf(jobId: string, reason: string | undefined): QueueMessage {
  return { v: 1, jobId, ...(reason === undefined ? {} : { reason }) };
}
