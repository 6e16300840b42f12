import type { BlobStore } from '#core/ports.ts';

/** All bytes of a blob; undefined when it is not there or has another size than the record says. */
export async function readWhole(
  blobs: BlobStore,
  { key, bytes }: { readonly key: string; readonly bytes: number },
): Promise<Uint8Array | undefined> {
  const blob = await blobs.get(key);
  if (blob === undefined) return undefined;
  const all = new Uint8Array(Math.max(bytes, blob.bytes));
  let at = 0;
  for await (const chunk of blob.stream) {
    if (at + chunk.length > all.length) return undefined;
    all.set(chunk, at);
    at += chunk.length;
  }
  return at === bytes ? all : undefined;
}
