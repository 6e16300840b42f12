import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Makes a folder and those above it, and fsyncs every folder that got a new entry; without that a power cut can lose the name. */
export async function makeFolder(folder: string): Promise<void> {
  // Videos and prompts are private: other users of the machine see nothing.
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(folder)); at.length >= top.length; at = dirname(at)) {
    await syncFolder(at);
    if (at === top) return;
  }
}

/** Makes renames, new names and removals in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
