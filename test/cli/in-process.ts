import type { Command } from 'commander';
import { vi } from 'vitest';
import { explain } from '#cli/explain.ts';
import type { CliResult } from '#test/local/server-process.ts';

/** A command in this process, as cli/main.ts runs it, without a process of its own: for tests of what it says. */
export async function inProcess(
  command: Command,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const told = { stdout: '', stderr: '' };
  const hear = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      told[name] += text;
      return true;
    });
  const ears = [hear('stdout'), hear('stderr')];
  const before = process.exitCode;
  process.exitCode = 0;
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    await command.exitOverride().parseAsync([...words], { from: 'user' });
    return { ...told, code: Number(process.exitCode) };
  } catch (error) {
    const code = explain(error);
    return { ...told, code };
  } finally {
    process.exitCode = before;
    vi.unstubAllEnvs();
    for (const ear of ears) ear.mockRestore();
  }
}
