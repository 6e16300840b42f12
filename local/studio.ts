import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';

const STUDIO = join(import.meta.dirname, '..', 'studio');
const BUILT = join(STUDIO, 'dist');

/** Builds the page if its sources changed since the last build, about a second; returns the folder with the built files. */
export async function buildStudio(): Promise<string> {
  const sources = hashOfSources();
  if (readOr(join(BUILT, '.sources')) === sources) return BUILT;
  const { build } = await import('vite');
  // Beside the old build and then in its place: another process may be building or reading it now.
  const outDir = `${BUILT}-${process.pid}`;
  await build({
    root: STUDIO,
    configFile: join(STUDIO, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  });
  writeFileSync(join(outDir, '.sources'), sources);
  rmSync(BUILT, { recursive: true, force: true });
  try {
    renameSync(outDir, BUILT);
  } catch {
    rmSync(outDir, { recursive: true, force: true }); // another process was first with the same sources
  }
  return BUILT;
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const files = readdirSync(STUDIO, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(STUDIO.length))
    .filter(name => !name.startsWith(`${sep}dist`));
  for (const name of files.sort()) hash.update(name).update(readFileSync(join(STUDIO, name)));
  return hash.digest('hex');
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
