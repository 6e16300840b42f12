/** The plots of `reelay plan` as SVG text: no script, no font and no image is fetched. Colors are CSS variables of the page. */
import { defaultTerms, gpuOffers, ownedUsdPerUsefulHour } from '#core/placement/cost.ts';
import type { PlanRow } from '#core/placement/plan.ts';
import type { PlanReport, Sizing } from './plan-report.ts';
import { shareWords } from './plan-words.ts';

const wide = 720;

/** Text as HTML shows it. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

type Anchor = 'start' | 'middle' | 'end';

function label(x: number, y: number, words: string, anchor: Anchor = 'start', look = ''): string {
  const kind = look === '' ? '' : ` class="${look}"`;
  return `<text${kind} x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function bar(x: number, y: number, width: number, height: number, fill: string, title: string): string {
  const size = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(0, width).toFixed(1)}" height="${Math.max(0, height).toFixed(1)}"`;
  return `<rect ${size} fill="var(--${fill})"><title>${escaped(title)}</title></rect>`;
}

function svg(height: number, name: string, parts: readonly string[]): string {
  const box = `viewBox="0 0 ${wide} ${height}" role="img" aria-label="${escaped(name)}"`;
  return `<figure><figcaption>${escaped(name)}</figcaption><svg ${box}>${parts.join('')}</svg></figure>`;
}

/** Round steps from 0 past `most`: about four of them. */
function ticks(most: number): readonly number[] {
  const rough = Math.max(most, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find(factor => factor * power >= rough)! * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** Round numbers within a range: few of a wide one. */
function logTicks(low: number, high: number): readonly number[] {
  const from = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - from + 1 }, (_, i) => 10 ** (from + i));
  const factors = high / low < 12 ? [1, 1.5, 2, 3, 4, 5, 7] : [1, 2, 5];
  return powers.flatMap(power => factors.map(factor => factor * power)).filter(value => value >= low && value <= high);
}

const plain = (value: number) => String(Number(value.toPrecision(3)));

/** Work by the time it came, as an area. */
export function loadChart(report: PlanReport): string {
  const { binSeconds, workHours } = report.trace.load;
  const gpus = workHours.map(hours => (hours * 3600) / binSeconds);
  const steps = ticks(Math.max(...gpus));
  const [left, right, top, bottom] = [50, wide - 10, 10, 150];
  const x = (i: number) => left + ((right - left) * i) / gpus.length;
  const y = (value: number) => bottom - ((bottom - top) * value) / steps.at(-1)!;
  const area = gpus.map((value, i) => `V${y(value).toFixed(1)}H${x(i + 1).toFixed(1)}`).join('');
  const days = (gpus.length * binSeconds) / 86_400;
  const everyDays = Math.max(1, Math.ceil(days / 12));
  const marks = Array.from({ length: Math.floor(days / everyDays) + 1 }, (_, i) => i * everyDays);
  return svg(175, 'GPUs busy if every job ran as it came', [
    ...steps.map(
      step =>
        `<path class="grid" d="M${left} ${y(step)}H${right}"/>${label(left - 6, y(step) + 4, plain(step), 'end')}`,
    ),
    `<path fill="var(--ours)" d="M${left} ${bottom}${area}V${bottom}Z"/>`,
    ...marks.map(day =>
      label(left + ((right - left) * day) / days, bottom + 18, day === 0 ? 'day 0' : `${day}`, 'middle'),
    ),
  ]);
}

/** The first word of a policy and, of ours, its target. */
function shortName(row: PlanRow): string {
  return row.kind === 'peer' ? row.policy.split(' ')[0]! : `${row.policy.split(' ')[0]} ${row.targetSeconds} s`;
}

const kinds: Readonly<Record<PlanRow['kind'], string>> = { horizon: 'ours', peer: 'peer', foresight: 'sight' };

/** Puts labels beside dots from the top down and lets none cover another: of many dots only the best are named. */
function placeLabels(dots: readonly { readonly x: number; readonly y: number; readonly row: PlanRow }[]): string[] {
  const taken: { x: number; y: number; width: number }[] = dots.map(({ x, y }) => ({ x: x - 6, y, width: 12 }));
  const rank = ({ row }: { readonly row: PlanRow }) => (row.kind === 'horizon' ? 0 : row.frontier ? 1 : 2);
  return dots
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap(({ x, y, row }) => {
      const words = shortName(row);
      const width = 7 * words.length;
      const places = [
        [x + 10, y + 4],
        [x - 10 - width, y + 4],
        [x - width / 2, y - 11],
        [x - width / 2, y + 20],
      ] as const;
      const free = places.find(([px, py]) => {
        if (px < 55 || px + width > wide) return false;
        return taken.every(t => t.x + t.width < px || t.x > px + width || Math.abs(t.y + 4 - py) > 13);
      });
      if (free === undefined) return [];
      taken.push({ x: free[0], y: free[1] - 4, width });
      return [label(free[0], free[1], words, 'start', row.kind === 'horizon' ? 'strong' : '')];
    });
}

/** Dollars against waiting, both logarithmic: down and to the left is better. A line joins the frontier. */
export function frontierChart(report: PlanReport): string {
  const rows = report.policies.filter(row => !row.outcome.cut && row.outcome.dollars > 0);
  if (rows.length === 0) return '';
  const wait = (row: PlanRow) => Math.max(1, row.outcome.waits.p95);
  const scale = (values: readonly number[], from: number, to: number) => {
    const low = Math.min(...values) / 1.15;
    const high = Math.max(...values) * 1.15;
    const at = (value: number) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
    return { at, marks: logTicks(low, high) };
  };
  const x = scale(rows.map(wait), 60, wide - 15);
  const y = scale(
    rows.map(row => row.outcome.dollars),
    330,
    15,
  );
  const dots = rows.map(row => ({ row, x: x.at(wait(row)), y: y.at(row.outcome.dollars) }));
  const best = dots.filter(dot => dot.row.frontier).sort((a, b) => a.x - b.x);
  const line = best.map(dot => `${dot.x.toFixed(1)} ${dot.y.toFixed(1)}`).join('L');
  const circle = (dot: (typeof dots)[number]) => {
    const { row } = dot;
    const title = `${row.policy}: p95 ${row.outcome.waits.p95.toFixed(0)} s, $${row.outcome.dollars.toFixed(2)}`;
    const look = `fill="var(--${kinds[row.kind]})" r="${row.kind === 'horizon' ? 6 : 4.5}"`;
    return `<circle ${look} cx="${dot.x.toFixed(1)}" cy="${dot.y.toFixed(1)}"><title>${escaped(title)}</title></circle>`;
  };
  return svg(375, 'Dollars against the wait that 95 % of the jobs stay below: down and to the left is better', [
    ...y.marks.map(
      value =>
        `<path class="grid" d="M60 ${y.at(value).toFixed(1)}H${wide - 15}"/>${label(54, y.at(value) + 4, `$${plain(value)}`, 'end')}`,
    ),
    ...x.marks.map(
      value =>
        `<path class="grid" d="M${x.at(value).toFixed(1)} 15V330"/>${label(x.at(value), 350, `${plain(value)} s`, 'middle')}`,
    ),
    best.length > 1 ? `<path class="frontier" d="M${line}"/>` : '',
    ...dots.toReversed().map(circle),
    ...placeLabels(dots),
  ]);
}

const mostBars = 14;

/** Where billed time went, a bar a policy, the cheapest first. */
export function wasteChart(report: PlanReport): string {
  const ended = report.policies.filter(row => row.outcome.gpuHours > 0 && !row.outcome.cut);
  const rows = ended.toSorted((a, b) => a.outcome.gpuHours - b.outcome.gpuHours).slice(0, mostBars);
  if (rows.length === 0) return '';
  // One bar that dwarfs the others is cut off, or nothing would be seen of them.
  const most = Math.min(rows.at(-1)!.outcome.gpuHours, 1.5 * (rows.at(-2) ?? rows.at(-1)!).outcome.gpuHours);
  const [left, right] = [130, wide - 70];
  const bars = rows.flatMap((row, i) => {
    const { outcome: o } = row;
    const y = 30 + 24 * i;
    let x = left;
    const parts = shareWords.map(([share, word]) => {
      const width = Math.min(right - x, ((right - left) * o.gpuHours * o.shares[share]) / most);
      x += width;
      const title = `${row.policy}, ${word}: ${(o.gpuHours * o.shares[share]).toFixed(1)} GPU-h, ${(100 * o.shares[share]).toFixed(1)} %`;
      return bar(x - width, y, width, 17, share, title);
    });
    const look = row.kind === 'horizon' ? 'strong' : '';
    return [
      label(left - 8, y + 13, shortName(row), 'end', look),
      ...parts,
      label(x + 6, y + 13, `${o.gpuHours > most ? '… ' : ''}${o.gpuHours.toFixed(0)}`),
    ];
  });
  const legend = shareWords.map(([share, word], i) => {
    const x = left + 100 * i;
    return bar(x, 4, 12, 12, share, word) + label(x + 17, 14, word);
  });
  return svg(40 + 24 * rows.length, 'Where the billed GPU-hours go', [...legend, ...bars]);
}

/** Owned and cloud dollars of 30 days by the number of owned GPUs. */
export function sizingChart(sizing: Sizing): string {
  const { rows, servers, targetSeconds } = sizing;
  const steps = ticks(Math.max(...rows.map(row => row.totalUsd)));
  const [left, bottom, top] = [60, 230, 30];
  const height = (value: number) => ((bottom - top) * value) / steps.at(-1)!;
  const slot = (wide - left - 10) / rows.length;
  const width = Math.min(80, 0.6 * slot);
  const bars = rows.flatMap((row, i) => {
    const x = left + slot * (i + 0.5) - width / 2;
    const owned = height(row.ownedUsd);
    const cloud = height(row.cloudUsd);
    const best = row.servers === servers;
    const words = row.keepsTarget ? `$${row.totalUsd.toFixed(0)}${best ? ', best' : ''}` : 'misses the target';
    return [
      bar(x, bottom - owned, width, owned, 'owned', `${row.servers} owned: $${row.ownedUsd.toFixed(0)}`),
      bar(x, bottom - owned - cloud, width, cloud, 'ours', `cloud beside ${row.servers}: $${row.cloudUsd.toFixed(0)}`),
      label(x + width / 2, bottom - owned - cloud - 7, words, 'middle', best ? 'strong' : ''),
      label(x + width / 2, bottom + 18, `${row.servers} owned`, 'middle'),
    ];
  });
  const legend = ['owned', 'ours'].map((fill, i) => {
    const words = fill === 'ours' ? 'cloud' : 'owned';
    return bar(left + 90 * i, 2, 12, 12, fill, words) + label(left + 90 * i + 17, 12, words);
  });
  const grid = steps.map(step => {
    const y = bottom - height(step);
    return `<path class="grid" d="M${left} ${y.toFixed(1)}H${wide - 10}"/>${label(left - 6, y + 4, `$${plain(step)}`, 'end')}`;
  });
  return svg(255, `30 days at a target of ${targetSeconds} s, by the number of owned GPUs`, [
    ...grid,
    ...legend,
    ...bars,
  ]);
}

/** What a useful hour costs, owned by how busy it is, and in the cloud at each target. */
export function breakEvenChart(report: PlanReport): string {
  const gpu = gpuOffers.find(offer => offer.name === report.gpu);
  if (gpu === undefined || report.breakEvens.length === 0) return '';
  const cloud = report.breakEvens.map(cell => ({
    words: `cloud, ${cell.targetSeconds} s`,
    usd: report.pricePerHourUsd * cell.phi,
  }));
  const most = 2 * Math.max(...cloud.map(line => line.usd));
  const steps = ticks(most);
  const [left, right, top, bottom] = [60, wide - 110, 10, 210];
  const x = (share: number) => left + (right - left) * share;
  const y = (usd: number) => bottom - ((bottom - top) * usd) / steps.at(-1)!;
  const shares = Array.from({ length: 99 }, (_, i) => (i + 2) / 100);
  const curve = shares
    .map(share => [share, ownedUsdPerUsefulHour(gpu, defaultTerms, share)] as const)
    .filter(([, usd]) => usd <= steps.at(-1)!)
    .map(([share, usd]) => `${x(share).toFixed(1)} ${y(usd).toFixed(1)}`);
  const heights: number[] = [];
  const lines = cloud.map(({ words, usd }) => {
    const beside = Math.max(y(usd) + 4, ...heights.map(height => height + 14));
    heights.push(beside);
    return `<path class="cloud" d="M${left} ${y(usd).toFixed(1)}H${right}"/>${label(right + 6, beside, words)}`;
  });
  return svg(235, 'Dollars for a useful hour, by the share of its time that an owned GPU works', [
    ...steps.map(
      step =>
        `<path class="grid" d="M${left} ${y(step).toFixed(1)}H${right}"/>${label(left - 6, y(step) + 4, `$${plain(step)}`, 'end')}`,
    ),
    ...[0.2, 0.4, 0.6, 0.8, 1].map(share => label(x(share), bottom + 18, `${100 * share} %`, 'middle')),
    ...(curve.length > 1 ? [`<path class="own" d="M${curve.join('L')}"/>`] : []),
    ...lines,
  ]);
}
