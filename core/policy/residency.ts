/**
 * Where a request may be processed. A class is a name that stands for a rule; what no rule allows is refused: an unknown class, an
 * unknown site and an empty list allow nothing.
 */
import { ReelayError } from '../errors.ts';
import { allowsSite } from '../placement/route.ts';
import type { Residency, Site } from '../placement/types.ts';

/** Where a process stands: the pool it belongs to, whether that is on the premises, and its region. */
export interface Place {
  readonly pool: string;
  readonly site: Site;
  readonly region: string;
}

/** The rules of an installation by the name of their class. */
export type ResidencyClasses = Readonly<Record<string, Residency>>;

/** The class of a request that names none. */
export const defaultResidency = 'standard';

/** The classes that every installation has unless it says otherwise. */
export const builtInResidency: ResidencyClasses = {
  standard: { sites: ['onprem', 'cloud'] },
  sovereign: { sites: ['onprem'] },
};

/** A class's name is part of its jobs' ids and of object keys. */
export const residencyNamePattern = '[a-z][a-z0-9-]{0,23}';
const NAME = new RegExp(`^${residencyNamePattern}$`);
const REGION = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;
/** Regions that a rule may name: a receipt spells them out, and no cloud has as many. */
export const MAX_RULE_REGIONS = 200;
const SITES: readonly Site[] = ['onprem', 'cloud'];

/** The rule of a class; undefined for a name that nobody defined, whatever objects are made of. */
export function residencyRule(classes: ResidencyClasses, name: string): Residency | undefined {
  return Object.hasOwn(classes, name) ? classes[name] : undefined;
}

/** Whether jobs of a class may be processed at a place. */
export function mayServe(classes: ResidencyClasses, name: string, place: Pick<Place, 'site' | 'region'>): boolean {
  const rule = residencyRule(classes, name);
  return rule !== undefined && allowsSite(rule, place);
}

/** The classes that a worker at a place may serve, the most restricted first: fewer sites, then fewer regions, then by name. */
export function servedClasses(classes: ResidencyClasses, place: Place): readonly string[] {
  const width = (name: string) => {
    const { sites, regions } = classes[name]!;
    return new Set(sites).size * 1e6 + (regions === undefined ? 1e5 : new Set(regions).size);
  };
  return Object.keys(classes)
    .filter(name => mayServe(classes, name, place))
    .sort((a, b) => width(a) - width(b) || (a < b ? -1 : 1));
}

/** What is wrong with asking for a class, in words, and as a code; undefined: nothing. */
export function residencyProblem(
  { classes, servedPlaces }: { readonly classes: ResidencyClasses; readonly servedPlaces: readonly Place[] },
  name: string,
): { readonly code: 'invalid_request' | 'residency_unsatisfiable'; readonly message: string } | undefined {
  if (residencyRule(classes, name) === undefined) {
    const got = NAME.test(name) ? `"${name}"` : `a text of ${name.length} characters`;
    const message = `residency: got ${got}; this server knows ${Object.keys(classes).join(', ')}.`;
    return { code: 'invalid_request', message };
  }
  if (servedPlaces.some(place => mayServe(classes, name, place))) return undefined;
  const message = `residency: no pool of this installation may serve "${name}", so nothing was accepted.`;
  return { code: 'residency_unsatisfiable', message };
}

/** Whether every place that the first class allows is allowed by the second one too. Unknown classes are within nothing. */
export function isWithin(classes: ResidencyClasses, name: string, other: string): boolean {
  const [inner, outer] = [residencyRule(classes, name), residencyRule(classes, other)];
  if (inner === undefined || outer === undefined) return false;
  if (!inner.sites.every(site => outer.sites.includes(site))) return false;
  return outer.regions === undefined || inner.regions?.every(region => outer.regions?.includes(region)) === true;
}

/**
 * REELAY_RESIDENCY as an operator writes it: a JSON object from class to rule, `{"eu": {"sites": ["cloud"], "regions":
 * ["eu-central-1"]}}`. It adds to the built-in classes, or replaces them by name. Throws a sentence that says what is wrong where.
 */
export function parseResidency(text: string): ResidencyClasses {
  if (text.trim() === '') return builtInResidency;
  const rules = objectOf(parseJson('REELAY_RESIDENCY', text), 'REELAY_RESIDENCY', 'an object from class to rule');
  return { ...builtInResidency, ...Object.fromEntries(Object.entries(rules).map(readRule)) };
}

function readRule([name, value]: [string, unknown]): [string, Residency] {
  if (!NAME.test(name)) {
    const allowed = 'a name of up to 24 lower-case letters, digits and dashes that starts with a letter is allowed';
    throw refusal(`REELAY_RESIDENCY: got the class ${quoted(name)}; ${allowed}.`);
  }
  const where = `REELAY_RESIDENCY: ${name}`;
  const { sites, regions, ...others } = objectOf(value, where, '{"sites": [...], "regions": [...]}');
  refuseOthers(others, where, 'sites, regions');
  if (!isListOf(sites, site => SITES.includes(site as Site)))
    throw refusal(`${where}.sites: got ${quoted(sites)}; a list of at least one of onprem, cloud is allowed.`);
  if (regions !== undefined && !isListOf(regions, region => REGION.test(region))) {
    const allowed = 'a list of at least one region is allowed; leave it out for all regions';
    throw refusal(`${where}.regions: got ${quoted(regions)}; ${allowed}.`);
  }
  // Named twice is named: receipts have room for each site once.
  const rule = { sites: [...new Set(sites as Site[])] };
  if (regions === undefined) return [name, rule];
  const each = [...new Set(regions as string[])];
  if (each.length > MAX_RULE_REGIONS)
    throw refusal(`${where}.regions: got ${each.length} of them; up to ${MAX_RULE_REGIONS} are allowed.`);
  return [name, { ...rule, regions: each }];
}

/** The three settings of a place, as texts. */
export interface PlaceSettings {
  readonly pool?: string | undefined;
  readonly site?: string | undefined;
  readonly region?: string | undefined;
}

/** A place from the settings REELAY_POOL, REELAY_SITE and REELAY_REGION; what is not set is taken from `otherwise`, or refused. */
export function parsePlace(settings: PlaceSettings, otherwise?: Place): Place {
  const of = (part: keyof Place, name: string) => {
    const text = settings[part];
    const value = text === undefined || text === '' ? otherwise?.[part] : text;
    if (value === undefined) throw refusal(`${name}: it is not set, and without it this worker may serve nobody.`);
    return value;
  };
  const place = {
    pool: of('pool', 'REELAY_POOL'),
    site: of('site', 'REELAY_SITE'),
    region: of('region', 'REELAY_REGION'),
  };
  return checkPlace(place, part => `REELAY_${part.toUpperCase()}`);
}

/** REELAY_POOLS: the places of all pools of an installation, as a JSON list of `{"pool", "site", "region"}`. Throws a sentence. */
export function parsePools(text: string): readonly Place[] {
  const list = parseJson('REELAY_POOLS', text);
  if (!Array.isArray(list) || list.length === 0)
    throw refusal('REELAY_POOLS: a JSON list of at least one {"pool", "site", "region"} is allowed.');
  return list.map((entry: unknown, n) => {
    const where = `REELAY_POOLS[${n}]`;
    const { pool, site, region, ...others } = objectOf(entry, where, '{"pool", "site", "region"}');
    refuseOthers(others, where, 'pool, site, region');
    return checkPlace({ pool, site, region }, part => `${where}.${part}`);
  });
}

function checkPlace(parts: Record<keyof Place, unknown>, where: (part: keyof Place) => string): Place {
  const { pool, site, region } = parts;
  const wrong = (part: keyof Place, allowed: string) =>
    refusal(`${where(part)}: got ${quoted(parts[part])}; ${allowed}.`);
  const letters = 'up to 63 letters, digits and dashes are allowed';
  if (typeof pool !== 'string' || !REGION.test(pool)) throw wrong('pool', letters);
  if (!SITES.includes(site as Site)) throw wrong('site', 'onprem and cloud are allowed');
  if (typeof region !== 'string' || !REGION.test(region)) throw wrong('region', letters);
  return { pool, site: site as Site, region };
}

function isListOf(value: unknown, fits: (entry: string) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(entry => typeof entry === 'string' && fits(entry));
}

function parseJson(setting: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal(`${setting}: it is not valid JSON.`);
  }
}

function objectOf(value: unknown, where: string, allowed: string): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refusal(`${where}: got ${quoted(value)}; ${allowed} is allowed.`);
}

function refuseOthers(others: object, where: string, known: string): void {
  const [other] = Object.keys(others);
  if (other !== undefined) throw refusal(`${where}: got the field ${quoted(other)}; ${known} are allowed.`);
}

/** A setting that cannot be meant stops the start. */
function refusal(message: string): ReelayError {
  return new ReelayError('invalid_request', message);
}

function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}
