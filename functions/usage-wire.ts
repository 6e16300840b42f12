import type { Sums } from '#core/accounts/budget.ts';
import { formatDollars } from '#core/accounts/micros.ts';
import type { PeriodKind } from '#core/accounts/periods.ts';
import type { TenantRecord } from '#core/accounts/tenant.ts';
import type { UsageCounts } from '#core/accounts/usage.ts';
import type { UsageQuery, UsageReport } from '#core/accounts/usage-report.ts';
import { toBudget } from './account-wire.ts';

/** The answer of GET /v1/usage: dollars as text, seconds as numbers. */
export function toUsageReport(
  account: TenantRecord,
  { first, last }: UsageQuery,
  { rows, total }: UsageReport,
  sums: Readonly<Record<PeriodKind, Sums>>,
) {
  return {
    object: 'usage',
    tenant: account.id,
    from: first,
    to: last,
    currency: 'USD',
    data: rows.map(({ day, key, model, ...counts }) => ({ day, key, model, ...toCounts(counts) })),
    total: toCounts(total),
    budget: { limit: toBudget(account.budget), day: toSums(sums.day), month: toSums(sums.month) },
  };
}

function toCounts({ completed, uncharged, outputMs, gpuMs, micros }: UsageCounts) {
  const seconds = { output_seconds: outputMs / 1000, gpu_seconds: gpuMs / 1000 };
  return { completed, uncharged, ...seconds, cost: formatDollars(micros) };
}

function toSums({ spent, held }: Sums) {
  return { spent: formatDollars(spent), held: formatDollars(held) };
}
