/** A terminal and the bootstrap both pass one Ctrl-C on: what comes this soon after the first is its echo. */
const ECHO_MS = 1_000;

/** Calls `stop` at the first SIGINT, SIGTERM or SIGHUP; a later one ends the process at once. */
export function onStop(stop: () => void): void {
  let firstMs: number | undefined;
  const hear = () => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      stop();
    } else if (performance.now() - firstMs > ECHO_MS) process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear);
}
