import type { FrameSize } from '#gpu-container/provenance/watermark/i420.ts';

/** One reading of one clip. */
export interface Row {
  readonly clip: string;
  readonly set: string;
  readonly attack: string;
  readonly agreeing: number;
  readonly isWhole: boolean;
  readonly psnr: number;
  readonly ssim: number;
  readonly searchMs?: number;
}

/** Per set: quality, and for each attack the clips, whole messages and coded bits that agree; then the clips that failed first. */
export function printTable(rows: readonly Row[]): void {
  for (const [set, own] of Object.entries(Object.groupBy(rows, row => row.set))) {
    const clips = [...new Map(own!.map(row => [row.clip, row])).values()];
    const least = (pick: (row: Row) => number) => Math.min(...clips.map(pick));
    const [psnr, ssim] = [least(row => row.psnr), least(row => row.ssim)];
    const middle = clips.map(row => row.psnr).sort((a, b) => a - b)[clips.length >> 1]!;
    console.log(
      `\n${set}: ${clips.length} clips, PSNR-Y ${middle.toFixed(1)} dB (least ${psnr.toFixed(1)}), SSIM least ${ssim.toFixed(4)}`,
    );
    console.log('| attack | clips | whole message | coded bits: mean | least | failed |\n|---|---|---|---|---|---|');
    for (const [attack, readings] of Object.entries(Object.groupBy(own!, row => row.attack))) {
      const all = readings!;
      const whole = all.filter(row => row.isWhole).length;
      const bits = all.map(row => row.agreeing / 128);
      const mean = bits.reduce((a, b) => a + b) / bits.length;
      const failed = Object.entries(
        Object.groupBy(
          all.filter(row => !row.isWhole),
          kindOf,
        ),
      ).map(([kind, of]) => `${kind} ${of!.length}`);
      const cells = [
        attack,
        all.length,
        `${((100 * whole) / all.length).toFixed(1)} %`,
        mean.toFixed(3),
        Math.min(...bits).toFixed(2),
        failed.join(', '),
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
  }
  const searches = rows.flatMap(row => row.searchMs ?? []);
  if (searches.length > 0)
    console.log(`\nslowest of ${searches.length} searches: ${(Math.max(...searches) / 1000).toFixed(1)} s on the wall`);
}

const kindOf = (row: Row) => row.clip.slice(row.clip.indexOf(' ') + 1);

/** Mean structural similarity of the luma over windows of 8x8, every fourth pixel (Wang et al. 2004, uniform windows). */
export function lumaSsim(a: Uint8Array, b: Uint8Array, { width, height }: FrameSize): number {
  const [side, step, c1, c2] = [8, 4, (0.01 * 255) ** 2, (0.03 * 255) ** 2];
  const n = side * side;
  let [total, windows] = [0, 0];
  for (let top = 0; top + side <= height; top += step)
    for (let left = 0; left + side <= width; left += step) {
      let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
      for (let y = top; y < top + side; y++)
        for (let x = left, i = y * width + left; x < left + side; x++, i++) {
          const [p, q] = [a[i]!, b[i]!];
          sa += p;
          sb += q;
          saa += p * p;
          sbb += q * q;
          sab += p * q;
        }
      const [ma, mb] = [sa / n, sb / n];
      const [va, vb, cov] = [saa / n - ma * ma, sbb / n - mb * mb, sab / n - ma * mb];
      total += ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
      windows++;
    }
  return total / windows;
}
