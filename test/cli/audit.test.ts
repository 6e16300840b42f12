import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalAudit } from '#adapters/local/local-audit.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { auditCommand } from '#cli/audit.ts';
import { explain } from '#cli/explain.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';

const HOUR = 3_600_000;
let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  vi.stubEnv('REELAY_DATA', folder.path);
  vi.stubEnv('REELAY_TABLE', '');
  const db = openDatabase(folder.path);
  let nowMs = Date.now();
  const stores = { kv: createSqliteKeyValueStore(db), blobs: createFileBlobStore(join(folder.path, 'blobs')) };
  const audit = createLocalAudit(folder.path, { ...stores, now: () => nowMs });
  const record = (n: number) =>
    audit.record({
      actor: { kind: 'tenant', name: 'acme' },
      action: 'job.submit',
      object: { kind: 'job', name: `video_${n}` },
      decision: { outcome: 'allow' },
    });
  for (let n = 0; n < 3; n++) await record(n);
  nowMs += HOUR;
  await audit.sweep();
  await record(3);
  audit.close();
  db.close();
});
afterAll(() => {
  vi.unstubAllEnvs();
  folder.remove();
});
afterEach(() => {
  process.exitCode = 0;
});

/** The command in this process: what it said, and how it would have ended. */
async function audit(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map(name =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      said[name] += String(text);
      return true;
    }),
  );
  process.exitCode = 0;
  try {
    await auditCommand().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = explain(error);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { code: Number(process.exitCode), ...said };
}

describe('reelay audit', () => {
  test('says that an untouched ledger holds, its export too, and that an anchor covers its end', async () => {
    const own = await audit('verify');
    expect(own).toMatchObject({ code: 0, stderr: '' });
    expect(own.stdout).toMatch(/^The ledger holds: 4 records in 1 shards\. The last 1 are in no checkpoint/);
    const anchor = join(folder.path, 'anchor.json');
    writeFileSync(anchor, (await audit('anchor')).stdout);
    expect((await audit('verify', '--anchor', anchor)).stdout).toBe('The ledger holds: 4 records in 1 shards.\n');
    const out = join(folder.path, 'export');
    expect(await audit('export', out)).toMatchObject({ code: 0, stderr: '' });
    expect(await audit('verify', out, '--anchor', anchor)).toMatchObject({
      code: 0,
      stdout: 'The ledger holds: 4 records in 1 shards.\n',
    });
  });

  test('ends with 1 and names the record that was changed, in an export and in its anchor', async () => {
    const out = join(folder.path, 'changed');
    await audit('export', out);
    const records = join(out, 'door-0', 'segment=00000001', 'records.jsonl');
    const text = readFileSync(records, 'utf8');
    writeFileSync(records, text.replace('"allow"', '"deny"'));
    const changed = await audit('verify', out);
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain('record 1 was changed after it was written');
    writeFileSync(records, text);
    const anchor = join(out, 'anchor.json');
    writeFileSync(anchor, readFileSync(anchor, 'utf8').replace('"seq":4', '"seq":3'));
    const cut = await audit('verify', out);
    expect(cut.code).toBe(1);
    expect(cut.stdout).toContain('its signature does not hold');
  });

  test('ends with 2 and a sentence for a folder that is no export', async () => {
    const none = await audit('verify', folder.path);
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/it has no ledger\.json/);
  });
});
