/**
 * @file The real render child, to which some prompts are poison until it is cured (the file REELAY_POISON_UNTIL exists): "poison dies"
 * ends the process as it starts, "poison kills" in the middle of its steps, as a crash of native code does; "poison fails" renders to
 * the end and then says that it failed.
 */
import { existsSync } from 'node:fs';
import type { FromChild, ToChild } from '#gpu-container/render/protocol.ts';

let poison: string | undefined;
process.on('message', (message: ToChild) => {
  if (message.type !== 'render') return;
  const isCured = existsSync(process.env.REELAY_POISON_UNTIL ?? '');
  poison = isCured ? undefined : /\bpoison (\w+)/.exec(message.request.prompt)?.[1];
  if (poison === 'dies') process.exit(139);
});

const send = process.send!.bind(process) as (message: FromChild, ...rest: unknown[]) => boolean;
process.send = ((message: FromChild, ...rest: unknown[]) => {
  if (poison === 'kills' && message.type === 'progress' && message.step === 2) process.kill(process.pid, 'SIGKILL');
  if (poison !== 'fails' || message.type !== 'done') return send(message, ...rest);
  const { taskId } = message;
  return send({ type: 'failed', taskId, code: 'render_failed', message: 'Poison.', retryable: true }, ...rest);
}) as NonNullable<typeof process.send>;

await import('#gpu-container/render/render-process.ts');
