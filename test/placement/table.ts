/**
 * Prints the table of SCALE.md section 5 beside what was published: `node test/placement/table.ts [S|B|C ...] [section ...]`, sections
 * peers, defaults, clairvoyant, hybrid (all where none is named); with `--sensitivity` how the result holds in other worlds instead.
 * Nothing here is random: the same commit prints the same figures.
 */
import type { Outcome } from '#core/placement/simulation/outcome.ts';
import type { Trace } from '#core/placement/simulation/trace.ts';
import { referenceTraces } from '#core/placement/simulation/traces.ts';
import { published, publishedHybrid } from './published.ts';
import {
  cheapest,
  hybridTrace,
  meets,
  runClairvoyant,
  runDefaults,
  runHorizon,
  runHybrid,
  runMeeting,
  runPeers,
} from './runs.ts';
import { printSensitivity } from './sensitivity.ts';

/** From one and a half median cold starts on: below that no fleet that starts from zero keeps its promise. */
const targets = [180, 240, 300, 450, 600];
const sections = ['peers', 'defaults', 'clairvoyant', 'hybrid'];

interface Tally {
  readonly overBest: { readonly where: string; readonly ratio: number }[];
  readonly waitErrors: number[];
  readonly publishedErrors: { readonly where: string; readonly error: number }[];
}

function row(...cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

function beside(mine: number | undefined, theirs: number | undefined): string {
  const text = mine === undefined ? '-' : mine.toFixed(1);
  if (theirs === undefined) return text;
  return `${text} (${Number.isNaN(theirs) ? '-' : theirs})`;
}

function printPeers(trace: Trace, tally: Tally): void {
  const outcomes = runPeers(trace);
  const names = [...outcomes.keys()];
  row(`${trace.name}, GPU-h (published)`, ...names, 'horizon', 'p95', '/best', 'phi');
  row(...Array.from({ length: names.length + 5 }, () => '---'));
  for (const target of targets) {
    const said = published.find(cell => cell.trace === trace.name && cell.target === target);
    const compare = (name: string, mine: number | undefined, theirs: number | undefined) => {
      const where = `${trace.name} ${target} ${name}`;
      if (mine !== undefined && theirs !== undefined) tally.publishedErrors.push({ where, error: mine / theirs - 1 });
      return beside(mine, theirs);
    };
    const best = names.map(name =>
      cheapest(
        outcomes.get(name)!.filter(outcome => meets(outcome, target)),
        outcome => outcome.gpuHours,
      ),
    );
    const untuned = runHorizon(trace, target);
    const fair = meets(untuned, target) ? untuned : runMeeting(trace, target);
    const least = Math.min(...best.map(outcome => outcome?.gpuHours ?? Number.POSITIVE_INFINITY));
    const ratio = (fair?.gpuHours ?? Number.NaN) / least;
    tally.overBest.push({ where: `${trace.name} ${target}`, ratio });
    tally.waitErrors.push(Math.abs(untuned.waits.p95 / target - 1));
    row(
      target,
      ...names.map((name, i) => compare(name, best[i]?.gpuHours, said?.peers[name])),
      compare('horizon', untuned.gpuHours, said?.horizon),
      `${untuned.waits.p95.toFixed(0)}${fair === untuned ? '' : '*'} (${said?.p95 ?? ''})`,
      `${ratio.toFixed(3)} (${said?.overBest ?? ''})`,
      untuned.phi.toFixed(2),
    );
  }
}

function printDefaults(trace: Trace): void {
  row(`${trace.name}, as it comes`, 'GPU-h', 'p95', 'horizon at that p95', 'p95', 'ratio');
  row('---', '---', '---', '---', '---', '---');
  for (const [name, outcome] of runDefaults(trace)) {
    const same = runHorizon(trace, outcome.waits.p95);
    const figures = (o: Outcome) => [o.gpuHours.toFixed(1), o.waits.p95.toFixed(0)];
    row(name, ...figures(outcome), ...figures(same), (same.gpuHours / outcome.gpuHours).toFixed(2));
  }
}

function printClairvoyant(trace: Trace): void {
  row(`${trace.name}, foresight`, 'GPU-h', 'horizon', 'ratio', 'published', 'setting');
  row('---', '---', '---', '---', '---', '---');
  for (const target of targets) {
    const said = published.find(cell => cell.trace === trace.name && cell.target === target);
    const policy = runHorizon(trace, target);
    const best = runClairvoyant(trace, policy, target);
    const ratio = best === undefined ? '-' : (policy.gpuHours / best.gpuHours).toFixed(3);
    const hours = best?.gpuHours.toFixed(1) ?? '-';
    row(target, hours, policy.gpuHours.toFixed(1), ratio, said?.overClairvoyant ?? '', best?.policy ?? '-');
  }
}

function printHybrid(full: Trace): void {
  const trace = hybridTrace(full);
  row(
    `${trace.name}, owned`,
    'target',
    'on demand $',
    'p95',
    'burst $',
    'split $',
    '/burst',
    '/best',
    'Spot $',
    '/burst',
    'left',
  );
  row(...Array.from({ length: 11 }, () => '---'));
  for (const owned of [1, 2]) {
    const runs = runHybrid(trace, owned, targets);
    for (const [target, { ondemand, fair, spot }] of runs.byTarget) {
      const best = (rule: string) => {
        const met = runs.rules.filter(outcome => outcome.policy.startsWith(rule) && meets(outcome, target));
        return cheapest(met, outcome => outcome.dollars)?.dollars ?? Number.NaN;
      };
      const burst = best('burst');
      const split = best('split');
      const least = Math.min(...[burst, split].filter(Number.isFinite));
      const said = publishedHybrid.find(cell => cell.trace === trace.name)?.dollars[owned - 1];
      row(
        owned,
        target,
        beside(ondemand.dollars, target === 300 ? said : undefined),
        `${ondemand.waits.p95.toFixed(0)}${fair === ondemand ? '' : '*'}`,
        burst.toFixed(1),
        split.toFixed(1),
        (fair.dollars / burst).toFixed(2),
        (fair.dollars / least).toFixed(2),
        spot.dollars.toFixed(1),
        (spot.dollars / burst).toFixed(2),
        ondemand.leftPremises + spot.leftPremises,
      );
    }
  }
}

function printTally(tally: Tally): void {
  const ratios = tally.overBest.filter(cell => Number.isFinite(cell.ratio));
  const geomean = Math.exp(ratios.reduce((sum, cell) => sum + Math.log(cell.ratio), 0) / ratios.length);
  const worst = ratios.toSorted((a, b) => b.ratio - a.ratio)[0];
  const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
  console.log(
    `horizon over the best peer: geometric mean ${geomean.toFixed(3)}, worst ${worst?.ratio.toFixed(3)} at ${worst?.where}`,
  );
  console.log(`p95 off its target by at most ${percent(Math.max(...tally.waitErrors))}`);
  for (const { where, error } of tally.publishedErrors) {
    if (Math.abs(error) > 0.01) console.log(`off the published figure by ${percent(error)}: ${where}`);
  }
}

const words = process.argv.slice(2).filter(word => !word.startsWith('--'));
const sensitivity = process.argv.includes('--sensitivity');
const wantedSections = words.filter(word => sections.includes(word));
const wantedTraces = words.filter(word => !sections.includes(word));
const tally: Tally = { overBest: [], waitErrors: [], publishedErrors: [] };
const wants = (section: string) => wantedSections.length === 0 || wantedSections.includes(section);
for (const trace of referenceTraces()) {
  if (wantedTraces.length > 0 && !wantedTraces.includes(trace.name)) continue;
  if (sensitivity) {
    printSensitivity(trace);
    continue;
  }
  if (wants('peers')) printPeers(trace, tally);
  if (wants('defaults')) printDefaults(trace);
  if (wants('clairvoyant')) printClairvoyant(trace);
  if (wants('hybrid')) printHybrid(trace);
}
if (wants('peers') && !sensitivity) printTally(tally);
