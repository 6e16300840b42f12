import { ReelayError } from '../errors.ts';
import { type DisclosureChoice, namesProvider, parseDisclosure } from './disclose.ts';

/** What an installation discloses of its videos where their tenant chose nothing, and who runs it. */
export interface Disclosing {
  readonly disclosure: DisclosureChoice;
  /** undefined: nobody said, and profiles that name the provider cannot be had. */
  readonly operator: string | undefined;
}

const MAX_OPERATOR_CHARS = 200;

/**
 * REELAY_DISCLOSURE (`eu,cn`; eu unless said otherwise), REELAY_LABEL (yes or no) and REELAY_OPERATOR (a name). Throws `invalid_request`
 * naming the setting, also where a profile wants the name and there is none: no job is to find that out.
 */
export function parseDisclosing(env: Readonly<Record<string, string | undefined>>): Disclosing {
  const { REELAY_DISCLOSURE: list = '', REELAY_LABEL: label = '', REELAY_OPERATOR: name = '' } = env;
  const operator = name.trim();
  if (operator.length > MAX_OPERATOR_CHARS)
    throw refused('REELAY_OPERATOR', `got ${operator.length} characters; ${MAX_OPERATOR_CHARS} are allowed.`);
  if (!['', 'yes', 'no'].includes(label))
    throw refused('REELAY_LABEL', `got "${label.slice(0, 40)}"; yes and no are allowed.`);
  const profiles = list.split(',').map(one => one.trim());
  const disclosure = parseDisclosure(
    { label: label === 'yes', ...(list.trim() === '' ? {} : { profiles }) },
    (_, text) => {
      throw refused('REELAY_DISCLOSURE', `got "${list.slice(0, 80)}"; ${text}`);
    },
  )!;
  if (operator === '' && namesProvider(disclosure))
    throw refused('REELAY_OPERATOR', `it is not set; a profile of REELAY_DISCLOSURE (${list}) names the provider.`);
  return { disclosure, operator: operator === '' ? undefined : operator };
}

function refused(setting: string, why: string): ReelayError {
  return new ReelayError('invalid_request', `${setting}: ${why}`);
}
