import { connect, type Socket } from 'node:net';
import { type Answer, faultOf, readAnswer } from './requests-answers.ts';
import type { FuzzCase } from './requests-case.ts';

/** What became of a try. */
export interface Verdict {
  readonly statuses: readonly number[];
  /** Undefined: as it should be. */
  readonly fault: string | undefined;
  readonly tookMs: number;
  /** Not done within HANG_MS: by the server, or by a machine that is busy with other things. */
  readonly hung: boolean;
}

/** A server that does not answer for so long hangs. */
export const HANG_MS = 1_000;

/** One lane of tries, one at a time, on a connection that is kept where the protocol allows. */
export function createLane(port: number): { send(fuzzCase: FuzzCase): Promise<Verdict>; close(): void } {
  let kept: Socket | undefined;
  const lane = {
    async send(fuzzCase: FuzzCase): Promise<Verdict> {
      const startedMs = performance.now();
      const reused = fuzzCase.ends === 'answer' && kept !== undefined && !kept.destroyed && kept.writable;
      const socket = reused ? kept! : connect({ port, host: '127.0.0.1', noDelay: true });
      if (fuzzCase.ends === 'answer') kept = socket;
      const answers = await converse(socket, fuzzCase);
      const tookMs = performance.now() - startedMs;
      const faults = answers.all.map(answer => faultOf(answer, fuzzCase.isHead));
      // A server that closed its end of an idle connection as we wrote is no fault: once more on a fresh one.
      if (fuzzCase.ends === 'answer' && answers.all.length === 0 && !answers.hung) {
        if (reused) return lane.send(fuzzCase);
        faults.push('closed without an answer');
      }
      if (fuzzCase.ends !== 'answer' || answers.hung) socket.destroy();
      return {
        statuses: answers.all.map(answer => answer.status),
        fault: faults.find(fault => fault !== undefined),
        tookMs,
        hung: answers.hung,
      };
    },
    close: () => void kept?.destroy(),
  };
  return lane;
}

function converse(socket: Socket, { pieces, ends, isHead }: FuzzCase): Promise<{ all: Answer[]; hung: boolean }> {
  return new Promise(resolve => {
    const all: Answer[] = [];
    let received = '';
    const timer = setTimeout(() => finish(true), HANG_MS);
    const finish = (hung = false) => {
      clearTimeout(timer);
      socket.removeAllListeners('data').removeAllListeners('close');
      resolve({ all, hung });
    };
    const read = (chunk: Buffer) => {
      received += chunk.toString('latin1');
      for (let next = readAnswer(received, isHead); next !== undefined; next = readAnswer(received, isHead)) {
        received = received.slice(next.length);
        all.push(next.answer);
        const isLast = next.answer.isStream || next.answer.headers.get('connection') === 'close';
        if (isLast) socket.destroy();
        if (ends === 'answer' || isLast) return finish();
      }
    };
    socket.on('data', read).once('close', () => finish());
    if (socket.listenerCount('error') === 0) socket.on('error', () => undefined);
    void write(socket, pieces).then(() => {
      if (ends === 'close') socket.end();
      if (ends === 'leave') {
        socket.destroy();
        finish();
      }
    });
  });
}

/** Pieces go out in packets of their own. */
async function write(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    if (pieces.length > 1) await new Promise(resolve => setImmediate(resolve));
  }
}
