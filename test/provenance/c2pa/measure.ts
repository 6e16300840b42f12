/**
 * @file Time and memory of signing and reading files of 1, 20 and 90 MB, each in a process of its own:
 *
 *     node --disable-warning=ExperimentalWarning test/provenance/c2pa/measure.ts [megabytes …]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { claim, largeClip, newInstallation } from './sample.ts';

async function measureOne(megabytes: number): Promise<void> {
  const { signer, trustRoots } = await newInstallation();
  const file = await largeClip(megabytes * 1e6);
  const folder = mkdtempSync(join(tmpdir(), 'reelay-c2pa-'));
  const path = join(folder, 'signed.mp4');
  const rss = () => Math.round(process.resourceUsage().maxRSS / 1024);
  const before = rss();
  const timed = async <T>(name: string, work: () => Promise<T>) => {
    const began = performance.now();
    const result = await work();
    console.log(
      `${megabytes} MB  ${name}: ${Math.round(performance.now() - began)} ms, most memory so far ${rss()} MB`,
    );
    return result;
  };
  try {
    console.log(`${megabytes} MB  before: ${before} MB`);
    const signed = await timed('sign', () => signMp4(file, claim, signer));
    writeFileSync(path, signed);
    const read = await timed('read from memory', () => readMp4(signed, { trustRoots }));
    const onDisk = await timed('read from disk', () => readMp4(path, { trustRoots }));
    console.log(`${megabytes} MB  ${read.state}, ${onDisk.state}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [only, ...rest] = process.argv.slice(2).map(Number);
if (only !== undefined && rest.length === 0) await measureOne(only);
else
  for (const megabytes of only === undefined ? [1, 20, 90] : [only, ...rest])
    spawnSync(process.execPath, [...process.execArgv, import.meta.filename, String(megabytes)], { stdio: 'inherit' });
