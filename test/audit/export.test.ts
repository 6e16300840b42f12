import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import { readExport, writeExport } from '#adapters/audit-folder.ts';
import { publicKeyFile, readPublicKeys, verifierOf } from '#adapters/receipt-keys.ts';
import { exportLedger } from '#core/audit/export-ledger.ts';
import { readStoredLedger } from '#core/audit/ledger-reader.ts';
import { openShard } from '#core/audit/shard-writer.ts';
import { readStatement } from '#core/audit/statement.ts';
import { verifyLedger } from '#core/audit/verify-ledger.ts';
import { entry, installation, keys, openAuditWorld } from './audit-world.ts';

const world = openAuditWorld();
afterAll(() => world.close());

for (const shard of ['door', 'worker']) {
  const writer = await openShard(world.ports(), shard, 'w');
  for (let n = 0; n < 9; n++) {
    await writer.append(entry(n));
    if (n % 4 === 3) await writer.close();
  }
}

async function exportTo(name: string): Promise<string> {
  const folder = join(world.folder, name);
  await writeExport(
    folder,
    exportLedger(readStoredLedger(world.stores), world.ports(), publicKeyFile(keys.publicKeys)),
  );
  return folder;
}

/** As an auditor does it: with the keys and the installation of the export itself. */
async function verified(folder: string) {
  const { index, reader, keys, anchor } = await readExport(folder);
  const verify = verifierOf(readPublicKeys(keys, 'keys.json'));
  return verifyLedger(reader, [readStatement(verify, 'anchor', anchor)], {
    sha256: sha256Hex,
    verify,
    installation: index.installation,
    endsAnchored: true,
  });
}

test('an export is whole, holds, and has the checksum of each file', async () => {
  const folder = await exportTo('one');
  expect(await verified(folder)).toMatchObject({ holds: true, records: 18, findings: [] });
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  expect(sums).toHaveLength(13);
  for (const sum of sums) {
    const [hash, path] = sum.split('  ');
    expect(sha256Hex(readFileSync(join(folder, path!), 'utf8'))).toBe(hash);
  }
});

test('a file that is changed, torn off or gone is found', async () => {
  const damages: readonly ((folder: string) => void)[] = [
    f => rmSync(join(f, 'door/open.jsonl')),
    f => rmSync(join(f, 'door/segment=00000002'), { recursive: true }),
    f => rmSync(join(f, 'door'), { recursive: true }),
    f => appendFileSync(join(f, 'worker/open.jsonl'), readFileSync(join(f, 'worker/open.jsonl'))),
    f => {
      const path = join(f, 'worker/segment=00000002/records.jsonl');
      writeFileSync(path, readFileSync(path).subarray(0, -100));
    },
    f => {
      const path = join(f, 'ledger.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('"segments":2', '"segments":1'));
    },
    f => {
      const path = join(f, 'ledger.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace(installation, 'ffff'));
    },
  ];
  for (const [n, damage] of damages.entries()) {
    const folder = await exportTo(`damaged-${n}`);
    damage(folder);
    expect((await verified(folder)).holds, String(damage)).toBe(false);
  }
});

test('what is no export is refused in a sentence, and names in it lead nowhere else', async () => {
  const folder = await exportTo('two');
  await expect(exportTo('two')).rejects.toThrow('two: it is there and not empty');
  await expect(readExport(join(world.folder, 'none'))).rejects.toThrow('it has no ledger.json');
  for (const text of [
    'x',
    'null',
    '{}',
    '{"format":"reelay-audit-export","v":1,"installation":"a","shards":[{"shard":"../door","segments":1}]}',
  ]) {
    writeFileSync(join(folder, 'ledger.json'), text);
    await expect(readExport(folder)).rejects.toMatchObject({ code: 'invalid_request' });
  }
});
