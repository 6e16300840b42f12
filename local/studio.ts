import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STUDIO = join(import.meta.dirname, '..', 'studio');

/** Builds the page if its sources changed since the last build, about a second; returns the folder with the built files. */
export async function buildStudio(): Promise<string> {
  const built = join(STUDIO, 'dist');
  const stamp = join(built, '.sources');
  const sources = hashOfSources();
  if (readOr(stamp) === sources) return built;
  const { build } = await import('vite');
  await build({ root: STUDIO, configFile: join(STUDIO, 'vite.config.ts'), logLevel: 'error' });
  writeFileSync(stamp, sources);
  return built;
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const files = readdirSync(STUDIO, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.parentPath.startsWith(join(STUDIO, 'dist')))
    .map(entry => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update(file.slice(STUDIO.length)).update(readFileSync(file));
  return hash.digest('hex');
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
