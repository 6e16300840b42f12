/**
 * Fleet is the machinery that starts and stops servers. It is slow and late: a raised wish becomes servers after minutes, a lowered one
 * stops servers of its own choice among those that are not protected, and what was just ordered may be missing from the next reading.
 *
 * Every call throws `store_unavailable` when the machinery fails or throttles; nothing may be concluded from that but to ask again.
 */
export interface Fleet {
  /** All pools of this fleet, as they are now. */
  read(): Promise<readonly FleetPool[]>;
  /** How many servers the pool shall have. Absolute, so asking twice is asking once. */
  setDesired(pool: string, servers: number): Promise<void>;
  /**
   * Keeps these servers from being stopped by a lowered wish for so long, counted from now; gives the ids of those that now are. Others
   * are gone or refuse. It holds nothing against a machine that is taken back.
   */
  protect(pool: string, ids: readonly string[], minutes: number): Promise<readonly string[]>;
  /** Gives the protection up. Servers that are gone or have none are fine. */
  unprotect(pool: string, ids: readonly string[]): Promise<void>;
}

/** One pool of a fleet. */
export interface FleetPool {
  readonly pool: string;
  /** The last wish that the fleet knows of. */
  readonly desired: number;
  /** Fewer than desired right after an order, more while some are on their way out. */
  readonly servers: readonly FleetServer[];
  /** When the fleet last said that it cannot have a machine for this pool; null where it never did, or does not say. */
  readonly refusedAtMs: number | null;
}

/** One server; the fleet does not know who has a job. */
export interface FleetServer {
  /** As the server itself knows it (`Presence.server`). */
  readonly id: string;
  readonly phase: 'launching' | 'up' | 'draining';
  readonly launchedAtMs: number;
  /** Ordered, but no machine was found for it yet. */
  readonly awaitsMachine: boolean;
}
