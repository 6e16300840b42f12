import { Command } from 'commander';
import { formatDollars } from '#core/accounts/micros.ts';
import { readTenant } from '#core/accounts/tenants.ts';
import { parseUsageQuery, readSums, readUsage, type UsageReport, usageCsv } from '#core/accounts/usage-report.ts';
import { toUsageReport } from '#functions/usage-wire.ts';
import { tenantOf, withAccounts, withData } from './account-store.ts';

interface UsageOptions {
  readonly data?: string;
  readonly tenant?: string;
  readonly from?: string;
  readonly to?: string;
  readonly by?: string;
  readonly csv?: boolean;
  readonly json?: boolean;
}

/** `reelay usage` */
export function usageCommand(): Command {
  return withData(new Command('usage').description('what a tenant has used, by day, key and model'))
    .option('--from <day>', 'YYYY-MM-DD in UTC; the first of the month unless said otherwise')
    .option('--to <day>', 'the last day that counts; today unless said otherwise')
    .option('--by <list>', 'what to tell apart: some of day,key,model')
    .option('--tenant <id>', 'whose (default: local; of a deployment default)')
    .option('--csv', 'as a spreadsheet reads it')
    .option('--json', 'as GET /v1/usage answers it')
    .action(async (options: UsageOptions) => usage(options));
}

async function usage(options: UsageOptions): Promise<void> {
  await withAccounts(options, async store => {
    const { ports } = store;
    const tenant = await tenantOf(store, options.tenant);
    const query = parseUsageQuery({ from: options.from, to: options.to, group_by: options.by }, ports.now());
    const report = await readUsage(ports, tenant, query);
    if (options.csv === true) process.stdout.write(usageCsv(report));
    else if (options.json === true) {
      const account = (await readTenant(ports, tenant))!;
      const sums = await readSums(ports, tenant, null, ports.now());
      process.stdout.write(`${JSON.stringify(toUsageReport(account, query, report, sums))}\n`);
    } else print(tenant, `${query.first} to ${query.last}`, report);
  });
}

function print(tenant: string, days: string, { rows, total }: UsageReport): void {
  for (const { day, key, model, ...counts } of rows)
    process.stdout.write(
      `${[day, key ?? 'no key', model].filter(part => part !== null).join('  ')}  ${told(counts)}\n`,
    );
  process.stdout.write(`${tenant}, ${days}: ${told(total)}\n`);
}

function told({ completed, uncharged, outputMs, gpuMs, micros }: UsageReport['total']): string {
  const videos = `${completed} videos (${outputMs / 1000} s, ${gpuMs / 1000} s of GPU)`;
  return `${videos}, ${uncharged} uncharged, ${formatDollars(micros)} USD`;
}
