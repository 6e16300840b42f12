import { expect, test } from 'vitest';
import { whyNot } from '#adapters/aws/probe-resources.ts';
import { clockSkew, NO_KEY } from '#cli/preflight.ts';
import { limits } from '#core/limits.ts';
import { workerGrants } from '#infra/worker.ts';

test('a clock that is far off is told from one that drifts', () => {
  const now = Date.parse('2026-06-01T12:00:00Z');
  const at = (seconds: number) => clockSkew(new Date(now - seconds * 1000), now);
  expect(at(2)).toMatchObject({ ok: true, detail: '2 s before AWS' });
  expect(at(-limits.maxClockSkewSeconds)).toMatchObject({ ok: true });
  expect(at(-limits.maxClockSkewSeconds - 1)).toMatchObject({ ok: false });
  expect(at(200).detail).toBe(
    'The clock of this machine is 200 s before AWS; at most 150 s are allowed. Set it by NTP.',
  );
  expect(clockSkew(undefined, now).ok).toBe(true);
  expect(limits.maxClockSkewSeconds).toBeLessThan(300);
});

test.each([
  [{ name: 'AccessDenied' }, 'the credentials may not use it; their role needs sqs:X on it'],
  [{ name: 'Forbidden', $metadata: { httpStatusCode: 403 } }, 'the credentials may not use it'],
  [{ name: 'InvalidClientTokenId', $metadata: { httpStatusCode: 403 } }, 'AWS does not know these credentials'],
  [{ name: 'ExpiredToken' }, 'the credentials are too old'],
  [{ name: 'RequestTimeTooSkewed' }, 'AWS refuses requests from this clock; set it by NTP'],
  [{ name: 'NoSuchBucket' }, 'it does not exist in this region and account'],
  [{ name: 'PermanentRedirect', $metadata: { httpStatusCode: 301 } }, 'it is in another region'],
  [{ name: 'TimeoutError' }, 'no answer within 10 seconds; HTTPS to AWS must be let out'],
  [{ name: 'Error', code: 'ENOTFOUND' }, 'it cannot be reached (ENOTFOUND)'],
  [
    { name: 'Error', code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    'a proxy that inspects TLS needs its CA in NODE_EXTRA_CA_CERTS',
  ],
  [{ name: 'Strange', $metadata: { httpStatusCode: 500 } }, 'AWS did not answer as it should (Strange, 500)'],
])('an error of AWS %j is told as what can be done about it', (fields, sentence) => {
  expect(whyNot(Object.assign(new Error('AKIASECRET in a message'), fields), 'sqs:X')).toContain(sentence);
  expect(whyNot(Object.assign(new Error('AKIASECRET in a message'), fields), 'sqs:X')).not.toContain('AKIASECRET');
});

test('what is asked of AWS before the first job is what a worker has the rights to anyway', () => {
  const actions = workerGrants.flatMap(grant => grant.actions);
  for (const action of ['sqs:ChangeMessageVisibility', 'dynamodb:UpdateItem', 's3:GetObject', 's3:ListBucket'])
    expect(actions).toContain(action);
  const reads = workerGrants.find(grant => grant.actions.includes('s3:GetObject'));
  expect(reads?.prefixes?.some(prefix => NO_KEY.startsWith(prefix))).toBe(true);
});
