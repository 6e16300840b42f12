/** @file Small files that promise the world. */
import { brotliCompressSync, constants, deflateSync } from 'node:zlib';
import { crowdedIndex, storeWithBrotli, withStore } from '#test/provenance/c2pa/hostile.ts';
import { box, joined, topBoxes } from '#test/provenance/c2pa/sample.ts';

const u32 = (value: number) => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

/** A PNG of so many pixels a side and a few hundred bytes: zeros pack to a thousandth. */
export function pngOf(side: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => joined(u32(data.length), Buffer.from(type), data, u32(0));
  const header = joined(u32(side), u32(side), Uint8Array.of(8, 2, 0, 0, 0));
  const rows = deflateSync(new Uint8Array(1_000_000));
  const magic = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return joined(magic, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', new Uint8Array()));
}

/** A JPEG whose frame header says 65500 pixels a side. */
export function jpegBomb(): Uint8Array {
  const frame = Uint8Array.of(0xff, 0xc0, 0, 17, 8, 0xff, 0xdc, 0xff, 0xdc, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1);
  const scan = Uint8Array.of(0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0);
  return joined(Uint8Array.of(0xff, 0xd8), frame, scan, new Uint8Array(50), Uint8Array.of(0xff, 0xd9));
}

/** A lossless WebP that says 16384 pixels a side. */
export function webpBomb(): Uint8Array {
  const data = joined(Uint8Array.of(0x2f, 0xff, 0xff, 0xff, 0x0f), new Uint8Array(21));
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, data.length, true);
  const riff = new Uint8Array(4);
  new DataView(riff.buffer).setUint32(0, data.length + 12, true);
  return joined(Buffer.from('RIFF'), riff, Buffer.from('WEBPVP8L'), size, data);
}

/** The places of a text in a file. */
function placesOf(file: Uint8Array, text: string): number[] {
  const places: number[] = [];
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}

/** A clip whose sample entry says 65535 pixels a side. */
export function hugeFrames(clip: Uint8Array): Uint8Array {
  const file = clip.slice();
  const [, entry] = [0, placesOf(file, 'avc1').find(at => at > 40)!];
  file.fill(0xff, entry + 28, entry + 32);
  return file;
}

/** A clip whose table of sizes says that it has four billion frames. */
export function endlessFrames(clip: Uint8Array): Uint8Array {
  const file = clip.slice();
  const [sizes] = placesOf(file, 'stsz');
  file.set(u32(0xffffffff), sizes! + 12);
  return file;
}

/** The bombs by name. `signed` is a clip with a manifest. */
export function bombsOf(signed: Uint8Array): Record<string, Uint8Array> {
  const [first, second] = topBoxes(signed);
  const ftyp = signed.slice(0, first!.size);
  const manifest = signed.slice(second!.at, second!.at + second!.size);
  const rest = signed.slice(second!.at + second!.size);
  const packed = brotliCompressSync(new Uint8Array(100_000_000), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const many = new Uint8Array(8_000_000);
  for (let at = 0; at < many.length; at += 8) many.set(Buffer.from('\0\0\0\x08free'), at);
  return {
    'a PNG of 65,535 pixels a side': pngOf(65_535),
    'a JPEG of 65,500 pixels a side': jpegBomb(),
    'a WebP of 16,384 pixels a side': webpBomb(),
    'a video of 65,535 pixels a side': hugeFrames(signed),
    'a video of four billion frames': endlessFrames(signed),
    'a million boxes at its top': joined(ftyp, manifest, many, rest),
    'a million boxes in its index': joined(ftyp, manifest, crowdedIndex(1_000_000)),
    'a manifest that unfolds to 100 MB': withStore(ftyp, storeWithBrotli(packed), rest),
    'such a manifest with its type': withStore(ftyp, storeWithBrotli(joined(Buffer.from('jumb'), packed)), rest),
  };
}

export { box };
