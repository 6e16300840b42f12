import { expect, test } from 'vitest';
import { disclosureProfiles, disclosures, profilesOn } from '#core/audit/disclosure.ts';
import { auditKeptSince, defaultRetention, keepUntil, parseRetention } from '#core/audit/retention.ts';
import { limits } from '#core/limits.ts';

const day = 86_400_000;

test('a tenant that chooses nothing keeps what the design says', () => {
  expect(defaultRetention).toEqual({
    prompt: 30,
    reference: 30,
    latents: limits.checkpointHours / 24,
    output: limits.artifactDays,
    registry: null,
    audit: 365,
    consent: 365,
  });
  expect(keepUntil(defaultRetention, 'prompt', 5)).toBe(5 + 30 * day);
  expect(keepUntil(defaultRetention, 'registry', 5)).toBe(null);
});

test('a tenant may keep less, its outputs for ever, and evidence for up to seven years', () => {
  const choice = { prompt: 0, output: null, audit: 2_555 };
  expect(parseRetention(choice)).toEqual({ retention: { ...defaultRetention, ...choice } });
  expect(parseRetention({ output: 36_500 })).toHaveProperty('retention');
});

test('what a tenant may not choose is told all at once, with what is allowed', () => {
  const result = parseRetention({ prompt: 31, audit: 364, registry: 1, latents: 0.5, secrets: 3, reference: null });
  expect('problems' in result && result.problems.map(({ message }) => message)).toEqual([
    'retention.prompt: 31 is not allowed; whole days from 0 up to 30 are.',
    'retention.audit: 364 is not allowed; whole days from 365 up to 2555 are.',
    "retention.registry: is not the tenant's to choose.",
    'retention.latents: 0.5 is not allowed; whole days from 0 up to 1 are.',
    'retention.secrets: is not kept by days; allowed are prompt, reference, latents, output, registry, audit, consent.',
    'retention.reference: null is not allowed; whole days from 0 up to 30 are.',
  ]);
  for (const value of [null, 3, [], 'x']) expect(parseRetention(value)).toHaveProperty('problems');
});

test('of tenants that share a ledger, the one that keeps it longest decides', () => {
  const long = { ...defaultRetention, audit: 700 };
  expect(auditKeptSince([defaultRetention, long], 1_000 * day)).toBe(300 * day);
  expect(auditKeptSince([], 1_000 * day)).toBe(635 * day);
});

test('every profile says its law, a day and how each thing is marked', () => {
  for (const id of disclosureProfiles) {
    const { law, since, label, metadata, registry } = disclosures[id];
    expect(disclosures[id].id).toBe(id);
    expect(law.length).toBeGreaterThan(5);
    expect(since).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(label.text).not.toBe('');
    expect(Object.values(metadata.fields)).toContain('unique_id');
    expect(registry.facts).toContain('unique_id');
  }
  expect(profilesOn('2026-07-31').map(({ id }) => id)).toEqual(['cn', 'in']);
  expect(profilesOn('2026-08-02')).toHaveLength(4);
});
