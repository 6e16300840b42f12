import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '#functions/routes.ts';
import type { CardServer } from './card-server.ts';
import {
  callAs,
  doAs,
  makeTenant,
  OPERATOR,
  routesWithId,
  startKeyedServer,
  strangeId,
  type Tenant,
} from './two-tenants.ts';

let server: CardServer;
let acme: Tenant;
let bolt: Tenant;
beforeAll(async () => {
  server = await startKeyedServer();
  acme = await makeTenant(server, 'acme');
  bolt = await makeTenant(server, 'bolt');
});
afterAll(() => server.close());

describe("another tenant's id", () => {
  test('is an unknown id on every route that takes one: the same status and the same words', async () => {
    expect(routesWithId.length).toBeGreaterThan(15);
    for (const { method, path, of } of routesWithId) {
      const id = acme.ids[of];
      if (id === undefined) throw new Error(`${method} ${path}: two-tenants.ts makes nothing of this kind`);
      const fields = method === 'POST' ? { prompt: 'a ring' } : undefined;
      const tried = async (which: string) => {
        const { status, text } = await callAs(server, bolt.key, method, path.replace(/\{.*?\}/, which), fields);
        return { status, text };
      };
      const [theirs, nobodys] = [await tried(id), await tried(strangeId(id))];
      expect([method, path, theirs]).toEqual([method, path, nobodys]);
      // Some look at a body first; what is wrong with that they say to everybody.
      expect([method, path, [400, 404].includes(theirs.status)]).toEqual([method, path, true]);
      const known = await callAs(server, acme.key, 'GET', `/v1/videos/${acme.ids['/v1/videos']}`);
      expect(known.status).toBe(200);
    }
  });

  test('is unknown in a body and in a query too', async () => {
    const video = acme.ids['/v1/videos'] ?? '';
    for (const id of [video, strangeId(video)]) {
      const { status, text } = await callAs(server, bolt.key, 'POST', '/v1/videos/edits', {
        prompt: 'x',
        video: { id },
      });
      expect([status, JSON.parse(text).error.message.replaceAll(id, 'ID')]).toEqual([
        404,
        expect.not.stringContaining('acme'),
      ]);
    }
    for (const path of ['/v1/videos', '/v1/webhook_endpoints']) {
      const after = acme.ids[path] ?? '';
      const answers = [after, strangeId(after)].map(id => callAs(server, bolt.key, 'GET', `${path}?after=${id}`));
      const [a, b] = await Promise.all(answers);
      expect([path, a?.status, a?.text]).toEqual([path, b?.status, b?.text]);
    }
    const user = { prompt: 'a ring', user: 'ann' };
    await doAs(server, acme.key, 'POST', '/v1/videos', user);
    const told = async (who: string) => {
      const { status, text } = await callAs(server, bolt.key, 'GET', `/v1/subjects/${who}/export`);
      return [status, text.replace(/"created_at":\d+/, '')];
    };
    expect(await told('ann')).toEqual(await told('nobody'));
  });

  test('stands in no list, and nothing else of that tenant does', async () => {
    const lists = Object.keys(routes).filter(key => /^GET \/v1\/[^{]+$/.test(key));
    for (const key of lists) {
      const [, path = ''] = key.split(' ');
      const { status, text } = await callAs(server, bolt.key, 'GET', path);
      expect([key, [200, 403].includes(status)]).toEqual([key, true]);
      expect([key, acme.secrets.filter(secret => text.includes(secret))]).toEqual([key, []]);
    }
    const own = await callAs(server, bolt.key, 'GET', '/v1/videos');
    expect(own.text).toContain(bolt.ids['/v1/videos']);
  });

  test('is not opened by a cookie either', async () => {
    const cookieOf = async (key: string) => {
      const { headers } = await callAs(server, key, 'POST', '/studio/session');
      return headers.get('set-cookie')?.split(';')[0] ?? '';
    };
    const [hers, his] = [await cookieOf(acme.key), await cookieOf(bolt.key)];
    const video = acme.ids['/v1/videos'] ?? '';
    const got = async (cookie: string, id: string, part: string) => {
      const answer = await fetch(`${server.url}/v1/videos/${id}/${part}`, { headers: { cookie } });
      return { status: answer.status, text: await answer.text() };
    };
    for (const part of ['content', 'events']) {
      expect((await got(hers, video, part)).status).toBe(200);
      expect(await got(his, video, part)).toEqual(await got(his, strangeId(video), part));
      expect((await got(his, video, part)).status).toBe(404);
      expect((await got('', video, part)).status).toBe(401);
    }
  });

  test('is only in what an operator names it for', async () => {
    const theirs = await doAs(server, OPERATOR, 'GET', '/v1/keys?tenant=acme');
    expect(theirs.data.map((key: { id: string }) => key.id)).toEqual([acme.ids['/v1/keys']]);
    const refused = await callAs(server, bolt.key, 'GET', '/v1/keys?tenant=acme');
    expect([refused.status, JSON.parse(refused.text).error.message]).toEqual([
      403,
      'Authorization: this key lacks the scope "tenants:admin".',
    ]);
    expect((await callAs(server, bolt.key, 'GET', '/v1/keys?tenant=nobody')).text).toBe(refused.text);
    expect((await callAs(server, OPERATOR, 'GET', '/v1/keys?tenant=nobody')).status).toBe(404);
  });
});
