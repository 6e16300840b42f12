import { expect, test } from 'vitest';
import type { DropFolder, DropSource } from '#core/drop/drop-folder.ts';
import { dropLimits } from '#core/drop/drop-limits.ts';
import { gather } from '#core/drop/gather.ts';
import { makeMp4 } from '#test/media/make-media.ts';

const CLIP = Buffer.concat([await makeMp4(2, 8), Buffer.alloc(6_900_000)]);

/** A folder with these files, each as it lies. */
function folderOf(files: Readonly<Record<string, Uint8Array>>) {
  const sourceOf = (name: string) =>
    ({
      identity: name,
      name,
      folder: 'in',
      bytes: files[name]?.length ?? 0,
      ageMs: 60_000,
      shared: false,
    }) as DropSource;
  const folder = {
    read: async ({ name }: DropSource) => ({ state: 'read', bytes: files[name]!, sha256: name, own: false }),
    beside: async (_main: DropSource, name: string) => (name in files ? sourceOf(name) : undefined),
  } as unknown as DropFolder<DropSource>;
  const gatherOne = (name: string) =>
    gather({ folder, isOwnOutput: async () => false }, { main: sourceOf(name), parts: [], ambiguous: false } as never);
  return gatherOne;
}

const naming = (lines: number) => Buffer.from('{"prompt":"x","input_reference":"clip.mp4"}\n'.repeat(lines));

test('a batch is refused in words when its lines start from more bytes than a drop may multiply', async () => {
  const most = Math.floor(dropLimits.referenceBytesPerDrop / CLIP.length);
  const fits = await folderOf({ 'a.jsonl': naming(most), 'clip.mp4': CLIP })('a.jsonl');
  expect([fits.state, fits.state === 'requests' && fits.requests.length]).toEqual(['requests', most]);
  const over = await folderOf({ 'a.jsonl': naming(most + 1), 'clip.mp4': CLIP })('a.jsonl');
  expect(over).toMatchObject({
    state: 'refused',
    error: {
      code: 'invalid_request',
      message:
        'a.jsonl: its requests start from more than 128 MiB of files, counting a file as often as it is named; split it or take smaller files.',
    },
  });
});
