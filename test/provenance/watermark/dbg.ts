import { agreement, encodeMessage } from '#gpu-container/provenance/watermark/coded-word.ts';
import { measureBlocks, openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import { planeSizes, planesOf } from '#gpu-container/provenance/watermark/i420.ts';
import { mixColumns, resampler, shrinkRows } from '#gpu-container/provenance/watermark/resample.ts';
import { attack, attacksOn } from './attacks.ts';
import { encodeI420 } from './encode-i420.ts';
import { TEST_KEYS } from './keys.ts';
import { drawClip, randomOf } from './pictures.ts';

const size = { width: 512, height: 288 };
const plain = drawClip((process.argv[2] ?? 'noise') as 'noise', 100 + Number(process.argv[3] ?? 4), size, 12);
const m = { left: 12345, right: 6789 };
const marker = openMarker(TEST_KEYS, m, size);
for (const f of plain) marker.embed(f);
const file = await encodeI420(plain, { ...size, fps: 12 });
const word = encodeMessage(m);
const wanted = process.argv[4] ?? 'crf 28';
const copies = attack(
  file,
  size,
  attacksOn(size, 12, randomOf(1)).filter(a => a.name === wanted),
  '/tmp/wmfig/dbg',
);
for (const c of copies) {
  console.log(c.name);
  for (const [p, key] of TEST_KEYS.entries()) {
    const ps = planeSizes(c.size)[p]!;
    const acc = new Map<number, Float64Array>();
    const wide = new Float32Array(64 * ps.width),
      grid = new Float32Array(4096),
      vals = new Float64Array(256);
    let e0 = 0;
    for (const f of c.frames) {
      const b = planesOf(f, c.size)[p]!.bytes;
      shrinkRows(resampler(ps.height, 64), b, ps.width, wide);
      mixColumns(resampler(ps.width, 64), wide, 64, grid);
      for (let i = 0; i < 4096; i++) grid[i]! -= key.rule.offset;
      measureBlocks(grid, key.carrier, vals);
      for (const v of vals) e0 += v * v;
      for (let g = 0.5; g <= 1.501; g += 0.05) {
        const k = Math.round(g * 100);
        const a = acc.get(k) ?? new Float64Array(128);
        acc.set(k, a);
        for (let i = 0; i < 256; i++)
          a[key.bits[i]!]! -=
            Math.cos(2 * Math.PI * (vals[i]! / ((k / 100) * key.rule.step) - key.dithers[i]!)) / Math.sqrt(12);
      }
    }
    console.log('plane', p, 'rms q', Math.sqrt(e0 / 256 / c.frames.length).toFixed(2));
    console.log(
      [...acc]
        .map(
          ([k, a]) =>
            `${k}:${a.reduce((s, v) => s + v * v, 0).toFixed(0)}/${agreement(
              Uint8Array.from(a, v => (v > 0 ? 1 : 0)),
              word,
            )}`,
        )
        .join(' '),
    );
  }
}
