/** Numbers in bytes, for the readers of headers. Every read behind the end throws RangeError, as a DataView's do. */

/** The sentence of a file that ends before its headers say so. */
export const TRUNCATED = 'it is cut off: the file ends before it is whole';
/** The sentence of headers that make no sense. */
export const BROKEN = 'it is damaged: its headers cannot be read';

/** A view of all of the bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The four characters at an offset. */
export function tagAt(view: DataView, at: number): string {
  const code = view.getUint32(at);
  return String.fromCharCode(code >>> 24, (code >>> 16) & 0xff, (code >>> 8) & 0xff, code & 0xff);
}
