const REVERSED_POLYNOMIAL = 0xedb88320;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? REVERSED_POLYNOMIAL : 0);
  return rest;
});

/** CRC-32 as in ISO 3309, zlib and PNG: finds every error burst of up to 32 bits, says nothing about who wrote the bytes. */
export function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = (rest >>> 8) ^ table[(rest ^ bytes[i]!) & 0xff]!;
  return ~rest >>> 0;
}
