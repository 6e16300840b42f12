/** Whose data a job is, and how people stand in records: by pseudonyms that only this installation can make. */
import type { Job } from '../job.ts';
import { type Hmac, pseudonymOf } from './pseudonym.ts';
import { sealLimits } from './seal-limits.ts';
import type { Subject } from './subject-key.ts';

/** Of a tenant that named no end user: the data is its own. No pseudonym reads like this. */
const OWN = 'self';

/** Names and requests as only this installation can write them: who guesses at a name or a prompt learns nothing from what is stored. */
export interface SubjectNames {
  /** The pseudonym of an end user of a tenant: 128 bits of an HMAC, as pseudonymOf. */
  readonly idOf: (tenant: string, name: string) => string;
  /** By which a request is known again: an HMAC of its text. */
  readonly fingerprint: (text: string) => string;
}

/** The names of an installation. `hmac`: with a key of its own. */
export function subjectNames(hmac: Hmac): SubjectNames {
  return {
    idOf: (tenant, name) => pseudonymOf(hmac, 'subject', `${tenant}\n${name}`),
    fingerprint: text => `hmac.${hmac(`reelay-fingerprint-v1\n${text}`)}`,
  };
}

/** With whose key the prompts, the reference and the latents of a job are sealed. */
export function subjectOf({ tenant, subject }: Pick<Job, 'tenant' | 'subject'>): Subject {
  return { tenant, id: subject ?? OWN };
}

/** What is wrong with an end user's name, in words; undefined: nothing. */
export function userNameProblem(name: string): string | undefined {
  const isText = name.isWellFormed() && name.trim() !== '' && !/\p{Cc}/u.test(name);
  if (isText && name.length <= sealLimits.maxUserChars) return undefined;
  return `got ${name.length} characters; 1 to ${sealLimits.maxUserChars} characters on one line are allowed.`;
}
