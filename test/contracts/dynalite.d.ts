/** dynalite ships no types; this is the part that the tests use. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** Without `path` all data stays in memory. The times are how long a table stays in the state in between. */
  function dynalite(options?: { path?: string; createTableMs?: number; deleteTableMs?: number }): Server;
  export = dynalite;
}
