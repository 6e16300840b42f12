import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type BodyPool, drain, readBody, toContext, toEvent, toFrontEvent } from '#local/http-event.ts';
import { createRouter } from '#local/router.ts';

/** The sample event of AWS's documentation for payload format 2.0, without the parts an authorizer or mutual TLS adds. */
const AWS_SAMPLE = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/my/path',
  rawQueryString: 'parameter1=value1&parameter1=value2&parameter2=value',
  cookies: ['cookie1', 'cookie2'],
  headers: { header1: 'value1', header2: 'value1,value2' },
  queryStringParameters: { parameter1: 'value1,value2', parameter2: 'value' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'api-id',
    domainName: 'id.execute-api.us-east-1.amazonaws.com',
    domainPrefix: 'id',
    http: { method: 'POST', path: '/my/path', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
    requestId: 'id',
    routeKey: '$default',
    stage: '$default',
    time: '12/Mar/2020:19:03:58 +0000',
    timeEpoch: 1583348638390,
  },
  body: 'Hello from Lambda',
  pathParameters: { parameter1: 'value1' },
  isBase64Encoded: false,
};

async function eventOf(path: string, init: RequestInit & { duplex?: 'half' } = {}, parameters = {}) {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const asked = new Promise<{ request: IncomingMessage; body: Buffer }>(done =>
    server.once('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.end();
      done({ request, body: Buffer.concat(chunks) });
    }),
  );
  await fetch(url, init);
  const { request, body } = await asked;
  server.close();
  return toEvent(request, body, { key: 'POST /my/path', parameters });
}

const keys = (value: object) => Object.keys(value).sort();

describe('the embedded front speaks payload format 2.0', () => {
  test('with the fields of the documented sample', async () => {
    const headers = { 'content-type': 'text/plain', cookie: 'cookie1; cookie2', header1: 'value1' };
    const query = '?parameter1=value1&parameter1=value2&parameter2=value';
    const event = await eventOf(
      `/my/path${query}`,
      { method: 'POST', headers, body: 'Hello from Lambda' },
      { parameter1: 'value1' },
    );
    expect(keys(event)).toEqual(keys(AWS_SAMPLE));
    expect(keys(event.requestContext)).toEqual(keys(AWS_SAMPLE.requestContext));
    expect(keys(event.requestContext.http)).toEqual(keys(AWS_SAMPLE.requestContext.http));
    for (const field of [
      'version',
      'rawPath',
      'rawQueryString',
      'cookies',
      'queryStringParameters',
      'body',
      'isBase64Encoded',
    ] as const)
      expect(event[field]).toEqual(AWS_SAMPLE[field]);
    expect(event.headers.cookie).toBeUndefined();
    expect(toContext(event).getRemainingTimeInMillis()).toBeGreaterThan(0);
  });

  test('bodies that are not text travel in base64', async () => {
    const body = Buffer.from([0, 255, 1, 254]);
    const event = await eventOf('/my/path', {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body,
    });
    expect([event.isBase64Encoded, event.body]).toEqual([true, body.toString('base64')]);
    expect((await eventOf('/my/path')).body).toBeUndefined();
  });
});

describe('an upload', () => {
  test('reaches the handlers of this process as the bytes that came, not in base64', async () => {
    const got: unknown[] = [];
    const server = createServer(async (request, response) => {
      const { body, release } = await readBody(request, pool);
      const event = toFrontEvent(request, body, { key: 'POST /my/path', parameters: {} });
      got.push(event.body, event.bytes === body, body.length, pool.bytes);
      release();
      got.push(pool.bytes);
      response.end();
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const pool: BodyPool = { bytes: 0, maxBytes: 10_000_000 };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/my/path`;
    await fetch(url, { method: 'POST', body: Buffer.alloc(1_000_000, 0xff) });
    expect(got).toEqual([undefined, true, 1_000_000, 4_000_000, 0]); // counted with the copies that its parser makes
    server.close();
  });

  test('that there is room to receive but not to handle is refused', async () => {
    const pool: BodyPool = { bytes: 0, maxBytes: 3_000_000 };
    const codes: unknown[] = [];
    const server = createServer(async (request, response) => {
      await readBody(request, pool).catch(error => codes.push(error.code, pool.bytes));
      response.end();
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/my/path`;
    await fetch(url, { method: 'POST', body: Buffer.alloc(1_000_000, 0xff) });
    expect(codes).toEqual(['rate_limited', 0]);
    server.close();
  });

  test('whose client went away before anybody looked is read to its end all the same', async () => {
    const server = createServer();
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{');
    const [request] = (await once(server, 'request')) as [IncomingMessage];
    request.on('error', () => undefined);
    const closed = new Promise(done => request.once('close', done));
    socket.destroy();
    await closed;
    await expect(drain(request)).resolves.toBeUndefined();
    server.close();
  });
});

describe('the router', () => {
  const route = createRouter([
    'GET /v1/videos/models',
    'GET /v1/videos/{id}',
    'DELETE /v1/videos/{id}',
    'POST /v1/videos',
  ]);
  test('prefers the literal path, decodes parameters and serves HEAD as GET', () => {
    expect(route('GET', '/v1/videos/models')).toMatchObject({ key: 'GET /v1/videos/models' });
    expect(route('GET', '/v1/videos/a%20b')).toEqual({ key: 'GET /v1/videos/{id}', parameters: { id: 'a b' } });
    expect(route('HEAD', '/v1/videos/x')).toMatchObject({ key: 'GET /v1/videos/{id}' });
  });
  test('says which methods a path knows', () => {
    expect(route('PATCH', '/v1/videos/x')).toEqual({ allowed: ['GET', 'DELETE'] });
    expect(route('GET', '/v1/videos/x/y')).toEqual({ allowed: [] });
    expect(route('GET', '/v1/videos/')).toEqual({ allowed: [] });
  });
});
