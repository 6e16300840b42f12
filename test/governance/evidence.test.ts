import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { evidenceMap, evidenceMarkdown, exportedFiles } from '#core/governance/evidence-map.ts';
import { cli } from '#test/local/server-process.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the evidence map', () => {
  test('names only files that exist, and every file of an export is evidence for something', () => {
    const named = evidenceMap.flatMap(row => row.evidence);
    expect([...new Set(named)].filter(path => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(new Set(evidenceMap.flatMap(row => row.exported))).toEqual(new Set(exportedFiles));
  });

  test('has each heading once, all twelve risks of NIST AI 600-1, and admits what no software shows', () => {
    const headings = evidenceMap.map(row => `${row.framework} ${row.heading}`);
    expect(new Set(headings).size).toBe(headings.length);
    expect(evidenceMap.filter(row => row.framework === 'NIST AI 600-1').map(row => row.heading)).toEqual(
      Array.from({ length: 12 }, (_, i) => `2.${i + 1}`),
    );
    const theirs = evidenceMap.filter(row => row.evidence.length === 0);
    expect(theirs.length).toBeGreaterThan(10);
    expect(theirs.every(row => row.exported.length === 0)).toBe(true);
    const text = evidenceMarkdown(evidenceMap);
    expect(text.match(/yours to show/g)).toHaveLength(theirs.length);
    expect(text.match(/^## /gm)).toHaveLength(3);
  });
});

describe('reelay evidence', () => {
  test('writes what the installation can show, with checksums that hold, and no key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-evidence-'));
    const out = join(folder, 'out');
    const env = { REELAY_DATA: join(folder, 'data'), REELAY_OPERATOR: 'Example Studio' };
    expect(await cli(['evidence', out], env)).toMatchObject({ code: 0, stderr: '' });
    const sums = (await readFile(join(out, 'SHA256SUMS'), 'utf8')).trim().split('\n');
    expect(sums).toHaveLength((await readdir(out)).length - 1);
    for (const line of sums) {
      const [hash, name = ''] = line.split('  ');
      expect(
        createHash('sha256')
          .update(await readFile(join(out, name)))
          .digest('hex'),
      ).toBe(hash);
    }
    const read = async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8'));
    expect((await read('models.json')).offered[0]).toMatchObject({ id: 'reelay-mini', governance: { dataset: {} } });
    expect(await read('policy.json')).toMatchObject({
      floor: expect.stringMatching(/^floor\//),
      tenants: [{ tenant: 'local', policyHash: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
    expect(await read('marking.json')).toMatchObject({ operator: 'Example Studio', disclosure: { profiles: ['eu'] } });
    expect((await read('settings.json')).set).toContain('REELAY_OPERATOR');
    const secret = (await readFile(join(folder, 'data', 'marking', 'watermark-key.hex'), 'utf8')).trim();
    for (const name of await readdir(out)) {
      const text = await readFile(join(out, name), 'utf8');
      expect(text).not.toContain('PRIVATE KEY');
      expect(text).not.toContain(secret);
    }
    expect(await cli(['evidence', out], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is there already'),
    });
    await rm(folder, { recursive: true, force: true });
  });
});
