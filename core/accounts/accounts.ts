/** The money of one process as the verbs of jobs take it: one group of ports, so that no composition can have half of it. */
import type { BudgetEvent, BusEvent } from '../events.ts';
import { costOf } from '../jobs/fair-order.ts';
import { readPace } from '../jobs/standing.ts';
import type { EventBus, JobStore, KeyValueStore } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import type { AdmitPorts } from './admit.ts';
import type { Budget } from './budget.ts';
import { createLedger } from './ledger.ts';
import type { PriceList } from './price-list.ts';
import { createMemory } from './remember.ts';
import { sweepLedger } from './sweep-ledger.ts';
import { defaultTenant, type TenantRecord } from './tenant.ts';
import { readInstallationBudget, readTenant } from './tenants.ts';

/** What accepting, ending and sweeping jobs needs of accounts. */
export interface Accounts extends Pick<AdmitPorts, 'ledger' | 'prices' | 'installationBudget' | 'estimateGpuMs'> {
  /** A tenant's own record, for who asks without a key: that of `defaultTenant` under its name where nobody made one. */
  readonly tenant: (id: string) => Promise<TenantRecord>;
  /** Brings ledgers, holds and jobs together (sweep-ledger.ts). `store` reaches the jobs of every class. */
  readonly sweep: (store: Pick<JobStore, 'load'>) => Promise<number>;
}

/** What they are made of. */
export interface AccountsParts {
  readonly kv: KeyValueStore;
  readonly events: EventBus;
  /** RelayPorts.enqueueDeliveries: webhook endpoints that asked for it are told of a tenant's budgets. */
  readonly enqueueDeliveries: (event: BudgetEvent, webhookUrl: string | null) => Promise<void>;
  readonly prices: PriceList;
  readonly now: () => number;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
}

/** One of a process. Tenants and the installation's budget are remembered for accountLimits.keyStaleMs. */
export function createAccounts(parts: AccountsParts): Accounts {
  const { kv, prices, now, random, sleep } = parts;
  const ports = { kv, events: { publish: (event: BusEvent) => tell(parts, event) }, now, random, sleep };
  const ledger = createLedger(ports);
  const tenants = createMemory<TenantRecord>(accountLimits.keyStaleMs, accountLimits.rememberedKeys);
  const budgets = createMemory<Budget>(accountLimits.keyStaleMs, 1);
  const installationBudget = async () => {
    const readAtMs = now();
    const known = budgets.get('all', readAtMs);
    if (known !== undefined) return known;
    const budget = await readInstallationBudget({ kv });
    budgets.set('all', budget, readAtMs);
    return budget;
  };
  return {
    ledger,
    prices,
    installationBudget,
    tenant: async id => {
      const readAtMs = now();
      const known = tenants.get(id, readAtMs);
      if (known !== undefined) return known;
      const account = (await readTenant({ kv }, id)) ?? { ...defaultTenant, id, name: id };
      tenants.set(id, account, readAtMs);
      return account;
    },
    estimateGpuMs: async request => {
      const pace = await readPace(kv, request.model);
      return pace === undefined ? undefined : pace.msPerCost * costOf(request);
    },
    sweep: async store => sweepLedger({ ...ports, ledger, store, installationBudget: await installationBudget() }),
  };
}

/** On the bus, and to the tenant's own webhook endpoints; the installation's budget is its operator's alone. */
async function tell({ events, enqueueDeliveries }: AccountsParts, event: BusEvent): Promise<void> {
  await events.publish(event);
  if (isOfTenant(event)) await enqueueDeliveries(event, null);
}

function isOfTenant(event: BusEvent): event is BudgetEvent {
  return event.type === 'budget.reached' && (event as BudgetEvent).data.tenant !== null;
}
