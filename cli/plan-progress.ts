/** Tells on stderr what takes long: nothing in the first two seconds, then a line that a terminal rewrites, or one every ten seconds. */
export function startProgress(verb: string): { readonly tell: (what: string) => void; readonly end: () => void } {
  const { stderr } = process;
  const startedAt = Date.now();
  const terminal = stderr.isTTY === true;
  let toldAt = 0;
  return {
    tell: what => {
      const now = Date.now();
      if (now - startedAt < 2_000 || now - toldAt < (terminal ? 100 : 10_000)) return;
      toldAt = now;
      const line = `${verb}: ${what}, ${Math.round((now - startedAt) / 1000)} s`;
      stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
    },
    end: () => {
      if (terminal && toldAt > 0) stderr.write('\r\u001b[K');
      toldAt = 0;
    },
  };
}
