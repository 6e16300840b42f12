/** @file What an installation can show, as plain files: how it stands, and where the rest of the evidence is. Nothing in it is secret. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoName, fromFileSystem } from '#adapters/local/file-error.ts';
import { listTenants } from '#core/accounts/tenants.ts';
import { parseDisclosing } from '#core/audit/disclosing.ts';
import { disclosures } from '#core/audit/disclosure.ts';
import { retentionRules } from '#core/audit/retention.ts';
import { ReelayError } from '#core/errors.ts';
import { type EvidenceRow, type ExportedFile, evidenceMap, evidenceMarkdown } from '#core/governance/evidence-map.ts';
import { floorRules, floorVersion } from '#core/policy/content/floor-rules.ts';
import { readAcceptances } from './accepted-bundles.ts';
import { type Embedded, LOCAL_TENANT } from './embedded.ts';

/** Texts of files by name. */
export type EvidenceFiles = Readonly<Record<string, string>>;

/** More tenants than these are counted, not listed. */
const MAX_TENANTS = 1_000;

/** Reads how an installation stands. Throws `store_unavailable`. */
export async function collectEvidence(
  embedded: Embedded,
  env: Readonly<Record<string, string | undefined>>,
): Promise<EvidenceFiles> {
  const { deps } = embedded;
  const tenants = await listTenants(deps, { limit: MAX_TENANTS });
  const documents: Readonly<Record<ExportedFile, unknown>> = {
    'models.json': await modelsOf(embedded),
    'policy.json': policyOf(embedded, [LOCAL_TENANT, ...tenants.map(({ id }) => id)]),
    'marking.json': markingOf(embedded, env),
    'audit.json': { retention: retentionRules, verify: 'reelay audit verify', anchor: 'reelay audit anchor' },
    'residency.json': { classes: deps.classes, place: deps.place, servedPlaces: deps.servedPlaces },
    'settings.json': settingsOf(env),
  };
  const rows: readonly EvidenceRow[] = evidenceMap;
  const at = new Date(deps.now()).toISOString();
  return {
    'evidence.md': `# What this installation of Reelay can show\n\n${at}. Paths are of Reelay's repository; files in the last column lie beside this one.\n\n${evidenceMarkdown(rows)}`,
    'evidence.json': pretty({ format: 'reelay-evidence', v: 1, at, rows }),
    ...Object.fromEntries(Object.entries(documents).map(([name, document]) => [name, pretty(document)])),
  };
}

/** Writes them with their checksums into a folder that is not there yet. Gives how many. */
export async function writeEvidence(folder: string, files: EvidenceFiles): Promise<number> {
  await mkdir(folder).catch((error: unknown) => {
    if (errnoName(error) === 'EEXIST')
      throw new ReelayError(
        'invalid_request',
        `${folder}: it is there already; a folder that is not there yet is allowed.`,
      );
    throw fromFileSystem(error, folder);
  });
  const sums = Object.entries(files).map(([name, text]) => `${sha256(text)}  ${name}\n`);
  for (const [name, text] of [...Object.entries(files), ['SHA256SUMS', sums.join('')] as const])
    await writeFile(join(folder, name), text, { flag: 'wx', flush: true }).catch((error: unknown) => {
      throw fromFileSystem(error, join(folder, name));
    });
  return sums.length + 1;
}

async function modelsOf({ bundles, refused, folder }: Embedded) {
  return {
    offered: bundles.map(({ card, family, added }) => ({ ...card, family, added })),
    refused: refused.map(({ error }) => error.message),
    accepted: await readAcceptances(folder),
  };
}

/** Rules by id and outcome; the words that they look for stay in the repository, of which `policyHash` names the state. */
function policyOf({ deps }: Embedded, tenants: readonly string[]) {
  return {
    floor: floorVersion,
    rules: floorRules.map(({ id, outcome }) => ({ id, outcome })),
    tenants: tenants.map(id => ({ tenant: id, policyHash: deps.content.policyOf(id).hash })),
  };
}

function markingOf({ marking }: Embedded, env: Readonly<Record<string, string | undefined>>) {
  const root = new X509Certificate(marking.keys.trustRoots);
  const { disclosure, operator } = parseDisclosing(env);
  return {
    c2paRoot: {
      subject: root.subject,
      validTo: root.validTo,
      sha256: root.fingerprint256,
      pem: marking.keys.trustRoots,
    },
    watermark: 'lf-stdm/1',
    disclosure,
    operator: operator ?? null,
    profiles: disclosure.profiles.map(id => disclosures[id]),
  };
}

/** Which settings are set; their values may be keys. */
function settingsOf(env: Readonly<Record<string, string | undefined>>) {
  return {
    set: Object.keys(env)
      .filter(name => name.startsWith('REELAY_') && env[name] !== '')
      .sort(),
  };
}

const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
