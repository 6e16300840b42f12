import { createInterface } from 'node:readline/promises';

/** Asks a yes-or-no question at a terminal, to which Enter is a yes; Ctrl-C and Ctrl-D are a no. */
export async function confirm(
  question: string,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<boolean> {
  const answer = await ask(question, input, output);
  return answer !== undefined && /^(y|yes|)$/i.test(answer.trim());
}

/** The line that is typed at a terminal; undefined for Ctrl-C and Ctrl-D. */
export async function ask(
  question: string,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<string | undefined> {
  const terminal = createInterface({ input, output, terminal: true });
  const closed = new Promise<undefined>(resolve => terminal.once('close', () => resolve(undefined)));
  const asked = terminal.question(question).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error; // Ctrl-C
    return undefined;
  });
  const answer = await Promise.race([asked, closed]);
  terminal.close();
  if (answer === undefined) output.write('\n');
  return answer;
}
