/**
 * Prints, for each scheduler class, the cases compared with diffusers, how many are bit for bit what diffusers gives where torch
 * rounds its elementary functions correctly, and the worst deviation from what it gave on the CPU of the oracle.
 *
 *     node test/engine/schedulers/print-figures.ts [class] [how many of the worst cases]
 */
import { CLASSES, type Deviation, deviation, readCases } from './replay.ts';

const [only, howMany] = process.argv.slice(2);
console.log('class                              cases refused  exact   sample   noised    sigma timestep     sums');
for (const name of CLASSES.filter(one => only === undefined || one === only)) {
  const cases = readCases(name);
  const answered = cases.filter(entry => entry.refused === undefined);
  const measured = answered.map(entry => {
    try {
      return { entry, ...deviation(entry) };
    } catch (cause) {
      return { entry, cause, sample: NaN, noised: NaN, sigma: NaN, timestep: NaN, sum: NaN, exact: false };
    }
  });
  const most = (key: Exclude<keyof Deviation, 'exact'>) =>
    measured.reduce((worst, one) => Math.max(worst, one[key]), 0);
  const cells = (['sample', 'noised', 'sigma', 'timestep', 'sum'] as const).map(key => most(key).toExponential(1));
  const counts = [String(answered.length).padStart(5), String(cases.length - answered.length).padStart(7)];
  counts.push(String(measured.filter(one => one.exact).length).padStart(6));
  console.log(name.padEnd(34), ...counts, ...cells.map(cell => cell.padStart(8)));
  const order = (value: number) => (Number.isNaN(value) ? Infinity : value);
  const worst = measured.sort((a, b) => order(b.sample) - order(a.sample));
  for (const { entry, ...rest } of worst.slice(0, Number(howMany ?? 0))) console.log(entry.config, entry.options, rest);
}
