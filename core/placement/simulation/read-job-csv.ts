/**
 * A job log as CSV text to jobs, or to sentences that say what stands where and what may. Two forms are known: Reelay's own, and that of
 * GenTD26 (Alibaba's trace of diffusion serving, which is for research only and not shipped with Reelay).
 */
import type { LoggedJob } from './import-trace.ts';

/** The columns of a job log; only `ts` must have a value in every line. */
export const traceColumns = ['ts', 'model', 'steps', 'frames', 'w', 'h', 'tenant', 'residency', 'tier', 'service_s'];

const columnsAllowed = `${traceColumns.slice(0, -1).join(',')}[,service_s]`;

/** What GenTD26 calls the columns that are read; its others are passed over. */
const gentdNames: ReadonlyMap<string, string> = new Map([
  ['gmt_create', 'ts'],
  ['exec_time_seconds', 'service_s'],
]);
const gentdOthers = new Set([
  'predict_type',
  'predict_status',
  'groupId',
  'prompt_length',
  'negative_prompt_length',
  'num_images_per_prompt',
  'num_inference_steps',
  'checkpoint_model_version_id',
  'num_lora',
]);

const tiersAllowed: ReadonlyMap<string, LoggedJob['tier']> = new Map([
  ['', 'standard'],
  ['standard', 'standard'],
  ['interactive', 'interactive'],
  ['batch', 'batch'],
]);
/** Whether a job stays on the premises, by what may stand in `residency`; the built-in classes are known by their names. */
const residenciesAllowed: ReadonlyMap<string, boolean> = new Map([
  ['', false],
  ['any', false],
  ['standard', false],
  ['onprem', true],
  ['sovereign', true],
]);

/** A log of a million jobs is 60 MB of text, and weeks of a thousand GPUs. */
export const mostJobs = 1_000_000;
/** More problems than anyone reads. */
const mostProblems = 20;
/** No line of a log is that long; what is longer is not a log. */
const longestLine = 4_096;
/** Later than year 5000 in seconds, earlier than 2002 in milliseconds. */
const latestSeconds = 1e11;
/** A job that takes longer than a week is a wrong unit. */
const longestService = 604_800;
const mostFrames = 1_000_000;

/** The lines of a text with their numbers from 1, one at a time: a hostile log is never split as a whole. */
function* linesOf(text: string): Generator<readonly [number, string]> {
  let line = 1;
  for (let from = text.startsWith('\uFEFF') ? 1 : 0; from <= text.length; line++) {
    const newline = text.indexOf('\n', from);
    const end = newline < 0 ? text.length : newline;
    const clean = end > from && text[end - 1] === '\r' ? end - 1 : end;
    yield [line, text.slice(from, Math.min(clean, from + longestLine + 1))];
    from = end + 1;
  }
}

/** The cells of a line, quoted ones without their quotes; a sentence's second half where it cannot be read. */
function cellsOf(line: string): readonly string[] | string {
  if (line.length > longestLine) return `got more than ${longestLine} characters; allowed: one job a line`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(line)) return 'got a control character; allowed: text';
  if (!line.includes('"')) return line.split(',').map(cell => cell.trim());
  const cells: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*(?:,|$)/.exec(line.slice(at));
    const plain = quoted ?? /^([^",]*)(?:,|$)/.exec(line.slice(at));
    if (plain === null) return `got a stray quote at character ${at + 1}; allowed: quotes around a whole cell`;
    cells.push(quoted === null ? plain[1]!.trim() : plain[1]!.replaceAll('""', '"'));
    const next = at + plain[0].length;
    if (!plain[0].endsWith(',')) break;
    at = next;
  }
  return cells;
}

/** A decimal number, and nothing else that JavaScript would take for one; NaN otherwise, and of what is too large for a number. */
function decimal(text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}

const dateAndTime = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d(?:\.\d{1,9})?)Z?$/;

/** Seconds, or a date and time of UTC; NaN for what is neither. */
function timeOf(text: string): number {
  const parts = dateAndTime.exec(text);
  if (parts === null) return decimal(text);
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [number, ...number[]];
  const midnight = Date.UTC(year, month! - 1, day);
  const exists = new Date(midnight).getUTCDate() === day && new Date(midnight).getUTCMonth() === month! - 1;
  return exists && hour! < 24 && minute! < 60 && second! < 61
    ? midnight / 1000 + 3600 * hour! + 60 * minute! + second!
    : Number.NaN;
}

type Say = (column: string, allowed: string) => void;

function readLine(cell: (column: string) => string, say: Say, gentd: boolean): LoggedJob {
  const named = (column: string) => (gentd ? [...gentdNames].find(([, ours]) => ours === column)![0] : column);
  const at = timeOf(cell('ts'));
  if (!(at >= 0 && at < latestSeconds)) {
    say(named('ts'), `seconds from 0 to ${latestSeconds}, or a time like 2026-01-31 23:59:59`);
  }
  const service = cell('service_s');
  const seconds = decimal(service);
  // GenTD26 writes 0 for a job that has not ended.
  const missing = service === '' || (gentd && seconds === 0);
  if (!missing && !(seconds > 0 && seconds <= longestService)) {
    say(named('service_s'), `GPU-seconds above 0, up to ${longestService}, or nothing`);
  }
  const stays = residenciesAllowed.get(cell('residency'));
  if (stays === undefined) say('residency', 'any, onprem, or nothing');
  const tier = tiersAllowed.get(cell('tier'));
  if (tier === undefined) say('tier', 'interactive, standard, batch, or nothing');
  const frames = cell('frames') === '' ? Number.NaN : decimal(cell('frames'));
  if (cell('frames') !== '' && !(frames > 0 && frames <= mostFrames)) say('frames', `1 to ${mostFrames}, or nothing`);
  return {
    at,
    service: missing ? Number.NaN : seconds,
    sovereign: stays === true,
    tier: tier ?? 'standard',
    frames,
  };
}

interface Header {
  readonly columns: readonly string[];
  readonly gentd: boolean;
}

/** The columns by our names, or undefined for a header that is neither form. */
function readHeader(line: string): Header | undefined {
  const cells = cellsOf(line);
  if (typeof cells === 'string' || cells.length !== new Set(cells).size) return undefined;
  const gentd = cells.includes('gmt_create');
  const known = (cell: string) => (gentd ? gentdNames.has(cell) || gentdOthers.has(cell) : traceColumns.includes(cell));
  const columns = cells.map(cell => (gentd ? (gentdNames.get(cell) ?? `(${cell})`) : cell));
  return cells.every(known) && columns.includes('ts') ? { columns, gentd } : undefined;
}

/** Reads a log. With any problem there are no jobs; at most 20 problems are told. */
export function readJobCsv(text: string): {
  readonly jobs: readonly LoggedJob[];
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const jobs: LoggedJob[] = [];
  let header: Header | undefined;
  for (const [number, line] of linesOf(text)) {
    if (problems.length >= mostProblems) break;
    if (header === undefined) {
      header = readHeader(line);
      if (header !== undefined) continue;
      problems.push(`line 1: got "${shown(line, 80)}"; allowed: ${columnsAllowed}`);
      break;
    }
    if (line.trim() === '') continue;
    const { columns, gentd } = header;
    const cells = cellsOf(line);
    if (typeof cells === 'string' || cells.length !== columns.length) {
      const got = typeof cells === 'string' ? cells : `got ${cells.length} cells; allowed: ${columns.length}`;
      problems.push(`line ${number}: ${got}`);
      continue;
    }
    const cell = (column: string) => cells[columns.indexOf(column)] ?? '';
    const say: Say = (column, allowed) =>
      problems.push(
        `line ${number}, ${column}: got "${shown(cell(gentdNames.get(column) ?? column), 40)}"; allowed: ${allowed}`,
      );
    jobs.push(readLine(cell, say, gentd));
    if (jobs.length <= mostJobs) continue;
    problems.push(`line ${number}: got more than ${mostJobs} jobs; cut the log`);
    break;
  }
  if (jobs.length === 0 && problems.length === 0) problems.push('line 2: got no job; allowed: one job a line');
  return { jobs: problems.length === 0 ? jobs : [], problems: problems.slice(0, mostProblems) };
}

/** The start of a text without what would move a terminal's cursor. */
function shown(text: string, most: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.slice(0, most).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
