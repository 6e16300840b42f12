import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { limits } from '#core/limits.ts';
import type { Provider, ProviderProbe } from '#core/provider.ts';

/** The program that probes: a path, so that what it loads stays out of this process. */
const PROBE = join(import.meta.dirname, '..', 'probe.ts');

/**
 * Probes a provider in a process of its own, which a broken driver may take down without taking the worker along, and whose GPU memory
 * is free again afterwards. Never rejects.
 */
export function runProbe(provider: Provider, program = PROBE): Promise<ProviderProbe> {
  const args = ['--disable-warning=ExperimentalWarning', program, provider];
  const options = { timeout: limits.probeSeconds * 1000, killSignal: 'SIGKILL' } as const;
  return new Promise(resolve => {
    execFile(process.execPath, args, options, (error, stdout) => {
      resolve(parsed(stdout) ?? { ok: false, provider, reason: whyNoAnswer(provider, error) });
    });
  });
}

function parsed(stdout: string): ProviderProbe | undefined {
  const line = stdout.split('\n').find(one => one.startsWith('{"ok":'));
  try {
    return line === undefined ? undefined : (JSON.parse(line) as ProviderProbe);
  } catch {
    return undefined;
  }
}

function whyNoAnswer(provider: Provider, error: Error | null): string {
  const { killed, signal, code } = (error ?? {}) as { killed?: boolean; signal?: string; code?: number };
  if (killed === true) return `The probe of ${provider} did not answer within ${limits.probeSeconds} s.`;
  return `The probe of ${provider} ended (${signal ?? code ?? 'without an answer'}) before it could tell.`;
}
