/**
 * Which part of Reelay answers for which heading of which framework: one row, one file, test or command. A row without evidence says whose
 * it is: a framework asks for things that no software can do. Headings in our words after the numbers; the frameworks' own texts count.
 *
 * NIST AI 100-1 (AI RMF 1.0, January 2023) by subcategory; NIST AI 600-1 (generative AI profile, July 2024) by risk, section 2.1 to 2.12;
 * ISO/IEC 42001:2023 by control of annex A. Not legal advice, and no certificate.
 */

/** A framework that rows are mapped to. */
export type Framework = 'NIST AI RMF' | 'NIST AI 600-1' | 'ISO/IEC 42001';

/** One heading and what answers for it. */
export interface EvidenceRow {
  readonly framework: Framework;
  readonly heading: string;
  readonly about: string;
  /** Paths in Reelay's repository; empty: this is the operator's to show. */
  readonly evidence: readonly string[];
  /** Files of the export that say how it stands in this installation. */
  readonly exported: readonly ExportedFile[];
}

/** What an export holds beside the map. */
export const exportedFiles = [
  'models.json',
  'policy.json',
  'marking.json',
  'audit.json',
  'residency.json',
  'settings.json',
] as const;
/** One of them. */
export type ExportedFile = (typeof exportedFiles)[number];

type Row = readonly [heading: string, about: string, evidence: readonly string[], exported?: readonly ExportedFile[]];

const rmf: readonly Row[] = [
  [
    'GOVERN 1.1',
    'legal requirements are understood and managed',
    ['core/audit/disclosure.ts', 'docs/audit.md'],
    ['settings.json'],
  ],
  [
    'GOVERN 1.2',
    'trustworthiness is part of policies and practices',
    ['docs/policy.md', 'core/policy/content/floor-rules.ts'],
    ['policy.json'],
  ],
  [
    'GOVERN 1.4',
    'risk management is transparent and documented',
    ['docs/adr', 'CHANGELOG.md', 'core/audit/record.ts'],
    ['audit.json'],
  ],
  ['GOVERN 1.5', 'monitoring and review are planned, with roles', [], []],
  ['GOVERN 1.6', 'systems are inventoried', ['cli/models.ts', 'docs/bundles.md'], ['models.json']],
  [
    'GOVERN 1.7',
    'systems are decommissioned safely',
    ['docs/audit.md', 'core/audit/erase.ts', 'core/audit/retention.ts'],
    [],
  ],
  ['GOVERN 2.1', 'roles and responsibilities are clear', ['core/accounts/scopes.ts'], []],
  [
    'GOVERN 3.2',
    'oversight by people is defined',
    ['core/policy/content/review.ts', 'docs/policy.md'],
    ['policy.json'],
  ],
  ['GOVERN 5.1', 'feedback from outside is taken in', ['docs/policy.md'], []],
  [
    'GOVERN 6.1',
    'third parties and their intellectual property',
    ['core/governance/gate.ts', 'test/governance/gate.test.ts'],
    ['models.json'],
  ],
  ['GOVERN 6.2', 'failures of third parties are planned for', ['docs/reliability.md'], []],
  ['MAP 1.1', 'purpose and context of use', ['README.md', 'core/governance/statement.ts'], ['models.json']],
  ['MAP 1.5', 'risk tolerance of the organization', [], []],
  ['MAP 2.1', 'tasks and methods', ['docs/engine.md', 'docs/bundles.md'], ['models.json']],
  [
    'MAP 2.2',
    'limits of the system’s knowledge',
    ['models/reelay-mini/README.md', 'core/governance/statement.ts'],
    ['models.json'],
  ],
  [
    'MAP 2.3',
    'scientific integrity: tests and evaluation',
    ['docs/reliability.md', 'docs/watermark.md', 'test/oracle'],
    [],
  ],
  ['MAP 3.5', 'processes for oversight by people', ['core/policy/content/review.ts'], ['policy.json']],
  ['MAP 4.1', 'risks of third-party data and software', ['CONTRIBUTING.md', 'package-lock.json'], ['models.json']],
  ['MAP 4.2', 'controls of components', ['gpu-container/runtime/check-graph.ts', 'test/runtime'], ['models.json']],
  ['MAP 5.1', 'likelihood and size of impacts', [], []],
  ['MEASURE 1.1', 'metrics are chosen', ['docs/watermark.md', 'docs/policy.md', 'docs/reliability.md'], []],
  ['MEASURE 2.3', 'performance is measured and documented', ['models/reelay-mini/evaluation.json', 'README.md'], []],
  ['MEASURE 2.4', 'the system is watched in production', ['docs/operating.md', 'functions/health.ts'], []],
  ['MEASURE 2.5', 'the system is valid and reliable', ['docs/reliability.md', 'test/faults'], []],
  ['MEASURE 2.6', 'safety: fails safely', ['test/policy', 'docs/policy.md'], ['policy.json']],
  ['MEASURE 2.7', 'security and resilience', ['docs/reliability.md', 'test/fuzz'], []],
  [
    'MEASURE 2.8',
    'transparency and accountability',
    ['docs/audit.md', 'docs/provenance.md'],
    ['audit.json', 'marking.json'],
  ],
  ['MEASURE 2.9', 'the model is explained and documented', ['models/reelay-mini/README.md'], ['models.json']],
  ['MEASURE 2.10', 'privacy risk', ['docs/audit.md', 'core/audit/vault.ts'], ['audit.json']],
  ['MEASURE 2.11', 'fairness and bias', [], []],
  ['MEASURE 2.12', 'environmental impact', ['docs/placement.md'], []],
  [
    'MEASURE 3.3',
    'feedback and appeal of those affected',
    ['core/policy/content/review.ts', 'docs/policy.md'],
    ['policy.json'],
  ],
  ['MANAGE 1.3', 'responses to high risks', ['core/policy/content/floor-rules.ts'], ['policy.json']],
  ['MANAGE 2.3', 'unknown risks are responded to', ['docs/operating.md'], []],
  ['MANAGE 2.4', 'systems can be superseded or switched off', ['docs/operating.md', 'core/accounts/tenant.ts'], []],
  ['MANAGE 3.1', 'third-party resources are watched', ['core/governance/acceptance.ts'], ['models.json']],
  ['MANAGE 3.2', 'pre-trained models are watched', ['gpu-container/bundles/worker-bundles.ts'], ['models.json']],
  [
    'MANAGE 4.1',
    'monitoring after deployment, appeal and override',
    ['core/policy/content/review.ts', 'docs/operating.md'],
    ['policy.json'],
  ],
  ['MANAGE 4.3', 'incidents are tracked and told', [], []],
];

const generative: readonly Row[] = [
  ['2.1', 'CBRN information or capabilities', [], []],
  ['2.2', 'confabulation', ['models/reelay-mini/README.md'], ['models.json']],
  [
    '2.3',
    'dangerous, violent or hateful content',
    ['core/policy/content/tenant-policy.ts', 'docs/policy.md'],
    ['policy.json'],
  ],
  ['2.4', 'data privacy', ['docs/audit.md', 'core/policy/content/consent.ts'], ['audit.json', 'policy.json']],
  ['2.5', 'environmental impacts', ['docs/placement.md'], []],
  ['2.6', 'harmful bias or homogenization', [], []],
  ['2.7', 'human-AI configuration', ['core/policy/content/review.ts'], ['policy.json']],
  ['2.8', 'information integrity', ['docs/watermark.md', 'docs/provenance.md', 'test/provenance'], ['marking.json']],
  [
    '2.9',
    'information security',
    ['docs/reliability.md', 'core/accounts/authenticate.ts', 'test/fuzz'],
    ['audit.json'],
  ],
  ['2.10', 'intellectual property', ['core/governance/gate.ts'], ['models.json']],
  [
    '2.11',
    'obscene, degrading or abusive content',
    ['core/policy/content/floor-rules.ts', 'test/policy'],
    ['policy.json'],
  ],
  ['2.12', 'value chain and component integration', ['CONTRIBUTING.md', 'docs/bundles.md'], ['models.json']],
];

const iso: readonly Row[] = [
  ['A.2.2', 'AI policy', ['docs/policy.md'], ['policy.json']],
  ['A.2.4', 'review of the AI policy', [], []],
  ['A.3.2', 'roles and responsibilities', ['core/accounts/scopes.ts'], []],
  ['A.3.3', 'reporting of concerns', ['docs/policy.md'], []],
  ['A.4.2', 'resource documentation', ['ARCHITECTURE.md'], ['models.json', 'residency.json']],
  ['A.4.3', 'data resources', ['core/governance/statement.ts'], ['models.json']],
  ['A.4.4', 'tooling resources', ['CONTRIBUTING.md', 'package-lock.json'], []],
  ['A.4.5', 'system and computing resources', ['docs/placement.md', 'docs/deploying.md'], ['residency.json']],
  ['A.4.6', 'human resources', [], []],
  ['A.5.2', 'impact assessment process', [], []],
  ['A.5.4', 'impact on individuals and groups', [], []],
  ['A.6.1.2', 'objectives for responsible development', ['docs/adr'], []],
  ['A.6.2.2', 'requirements and specification', ['docs/api.md', 'docs/bundles.md'], []],
  ['A.6.2.3', 'design and development', ['ARCHITECTURE.md', 'docs/adr'], []],
  ['A.6.2.4', 'verification and validation', ['test', 'docs/reliability.md'], []],
  ['A.6.2.5', 'deployment', ['docs/deploying.md', 'docs/on-premises.md'], []],
  ['A.6.2.6', 'operation and monitoring', ['docs/operating.md'], []],
  ['A.6.2.7', 'technical documentation', ['docs', 'models/reelay-mini/README.md'], ['models.json']],
  ['A.6.2.8', 'recording of event logs', ['docs/audit.md', 'test/audit'], ['audit.json']],
  ['A.7.2', 'data for development', ['exporter/train/README.md', 'core/governance/statement.ts'], ['models.json']],
  ['A.7.3', 'acquisition of data', ['core/governance/statement.ts'], ['models.json']],
  ['A.7.4', 'quality of data', ['models/reelay-mini/README.md'], ['models.json']],
  ['A.7.5', 'data provenance', ['core/governance/statement.ts'], ['models.json']],
  ['A.8.2', 'documentation and information for users', ['README.md', 'docs/api.md'], []],
  ['A.8.3', 'external reporting', ['docs/policy.md'], []],
  ['A.8.4', 'communication of incidents', [], []],
  ['A.8.5', 'information for interested parties', ['docs/provenance.md', 'docs/watermark.md'], ['marking.json']],
  ['A.9.2', 'processes for responsible use', ['docs/policy.md'], ['policy.json']],
  ['A.9.3', 'objectives for responsible use', ['core/policy/content/floor-rules.ts'], ['policy.json']],
  ['A.9.4', 'intended use', ['core/governance/statement.ts'], ['models.json']],
  ['A.10.2', 'allocating responsibilities', [], []],
  ['A.10.3', 'suppliers', ['core/governance/gate.ts', 'CONTRIBUTING.md'], ['models.json']],
  ['A.10.4', 'customers', ['docs/api.md', 'core/accounts/tenant.ts'], []],
];

const rowsOf = (framework: Framework, rows: readonly Row[]): EvidenceRow[] =>
  rows.map(([heading, about, evidence, exported = []]) => ({ framework, heading, about, evidence, exported }));

/** All rows, by framework. */
export const evidenceMap: readonly EvidenceRow[] = [
  ...rowsOf('NIST AI RMF', rmf),
  ...rowsOf('NIST AI 600-1', generative),
  ...rowsOf('ISO/IEC 42001', iso),
];

/** The map as Markdown, a table a framework; what nobody but the operator can show says so. */
export function evidenceMarkdown(rows: readonly EvidenceRow[]): string {
  const frameworks = [...new Set(rows.map(row => row.framework))];
  return frameworks
    .map(framework => {
      const lines = rows.filter(row => row.framework === framework).map(lineOf);
      return `## ${framework}\n\n| heading | about | in Reelay | here |\n|---|---|---|---|\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

function lineOf({ heading, about, evidence, exported }: EvidenceRow): string {
  const shown = evidence.length === 0 ? 'yours to show' : evidence.join(', ');
  return `| ${heading} | ${about} | ${shown} | ${exported.join(', ')} |`;
}
