/** @file Bundles that the operator of a data folder took on although statements about them are missing: `<data>/accepted-bundles.json`. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '#adapters/local/durable-folder.ts';
import { fromFileSystem, isMissing } from '#adapters/local/file-error.ts';
import { type Acceptance, parseAcceptances, withAcceptance } from '#core/governance/acceptance.ts';
import { type Governing, undecided } from '#core/governance/gate.ts';

const fileOf = (dataFolder: string) => join(dataFolder, 'accepted-bundles.json');

/** What was accepted; nothing where there is no file. Throws `bundle_invalid` for a file that says something else. */
export async function readAcceptances(dataFolder: string): Promise<readonly Acceptance[]> {
  const path = fileOf(dataFolder);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw fromFileSystem(error, path);
  });
  return text === undefined ? [] : parseAcceptances(text, path);
}

/** Writes down one more; whole or not at all. */
export async function writeAcceptance(dataFolder: string, added: Acceptance): Promise<void> {
  const path = fileOf(dataFolder);
  const text = withAcceptance(await readAcceptances(dataFolder), added);
  try {
    await mkdir(dataFolder, { recursive: true });
    await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    await syncFolder(dataFolder);
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/** What the settings say, and what was accepted in this folder. */
export async function governingOf(dataFolder: string, base: Governing = undecided): Promise<Governing> {
  const accepted = await readAcceptances(dataFolder);
  return { ...base, acceptedDigests: new Set([...base.acceptedDigests, ...accepted.map(one => one.digest)]) };
}
