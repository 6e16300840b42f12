import { pseudonymHmac } from '#adapters/audit-crypto.ts';
import { subjectNames } from '#core/audit/subjects.ts';

/** Names of an installation whose key is all zeros. */
export const testSubjects = subjectNames(pseudonymHmac(Buffer.alloc(32)));
