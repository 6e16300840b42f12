/** @file Prints the packages that an installation has, with version and license: what an image that is passed on has to name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', 'node_modules');

/** What must be said beyond a name: the licenses of what is inside a package's binary. */
const MORE: Readonly<Record<string, string>> = {
  '@napi-rs/webcodecs':
    'its binary holds FFmpeg libraries (LGPL) and x264 (GPL-2.0-or-later): docs/container.md says what follows',
  sharp: 'its binary @img/sharp-libvips-* holds libvips (LGPL-3.0-or-later)',
  'onnxruntime-node':
    'ONNXRUNTIME-THIRD-PARTY.txt beside the CUDA provider; CUDA and cuDNN come with the base image, under NVIDIA’s terms',
};

function packagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(entry => {
      const path = join(folder, entry.name);
      if (entry.name.startsWith('@')) return packagesIn(path);
      const own = join(path, 'node_modules'); // another version than the one that all others use
      return [path, ...(existsSync(own) ? packagesIn(own) : [])];
    });
}

const lines = packagesIn(ROOT).flatMap(path => {
  try {
    const {
      name,
      version,
      license = 'no license named',
    } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const more = MORE[name as string];
    return [`${name} ${version}: ${license}${more === undefined ? '' : `; ${more}`}`];
  } catch {
    return []; // no package: a folder that npm left
  }
});
process.stdout.write(
  `Reelay is under the Apache License 2.0 (LICENSE). In this image are besides:\n\n${lines.sort().join('\n')}\n`,
);
