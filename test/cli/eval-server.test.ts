/** `reelay eval --server` where no Reelay is: a sentence, and never a trace. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { evalCommand } from '#cli/eval.ts';
import { inProcess } from './in-process.ts';

const evaluate = (...words: readonly string[]) => inProcess(evalCommand(), words);

test.each([
  ['no JSON', '<html>'],
  ['another object', '{}'],
  ['nothing', 'null'],
  ['models without their settings', '{"data": [{"id": "m"}]}'],
  ['less than it said', undefined],
])('a server that is no Reelay and answers %s, with 1', async (_, body) => {
  const server = createServer((_request, response) => {
    if (body !== undefined) return response.end(body);
    response.writeHead(200, { 'content-length': '1000' }).write('{');
    setTimeout(() => response.destroy(), 20);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, stderr } = await evaluate('--server', url);
  server.close();
  const sentence = body === undefined ? 'did not answer to the end.' : 'does not answer as a Reelay does.';
  expect({ code, stderr }).toEqual({ code: 1, stderr: `reelay: --server: ${url} ${sentence}\n` });
});

test('a server that does not answer, with 1: it is not the request that is wrong', async () => {
  const { code, stderr } = await evaluate('--server', 'http://127.0.0.1:9');
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'reelay: --server: http://127.0.0.1:9 does not answer.\n' });
});

test('a busy server is asked again when it says so, and its own words are the end of it', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    if (asked < 3) return response.writeHead(asked === 1 ? 429 : 503, { 'retry-after': '0.05' }).end();
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"error": {"message": "Out of order."}}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { code, stderr } = await evaluate('--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
  expect({ code, stderr, asked }).toEqual({ code: 1, stderr: 'reelay: --server: Out of order.\n', asked: 3 });
});
