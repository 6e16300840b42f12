import { createSign, createVerify, X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKmsSigner } from '#adapters/aws/kms-signer.ts';
import { markingKeysFromSettings } from '#gpu-container/marking-settings.ts';
import { makeAuthority } from '#gpu-container/provenance/c2pa/authority.ts';

/** A key service on loopback that speaks KMS's JSON and signs with a real key. */
let server: Server;
let client: KMSClient;
let authority: Awaited<ReturnType<typeof makeAuthority>>;
const asked: { target: string | undefined; body: Record<string, string> }[] = [];
let isDenied = false;

/** A signature over a digest that is given: the digest of the bytes that were noted before. */
let signedBytes = new Uint8Array();

beforeAll(async () => {
  authority = await makeAuthority();
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ target: request.headers['x-amz-target'] as string, body: JSON.parse(text) });
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if (isDenied) {
      response.statusCode = 400;
      return response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'no' }));
    }
    const signature = createSign('sha256').update(signedBytes).sign(authority.leaf.key);
    response.end(JSON.stringify({ KeyId: 'k', Signature: signature.toString('base64') }));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  client = new KMSClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
    maxAttempts: 1,
  });
});
afterAll(() => new Promise(resolve => server.close(resolve)));

describe('a key of KMS', () => {
  test('signs manifests of any length, by their hash, and its signature is that of the certificate', async () => {
    const env = {
      REELAY_WATERMARK_KEY: '0a'.repeat(32),
      REELAY_C2PA_CERTIFICATES: `${authority.leaf.certificate}\n${authority.root.certificate}`,
      REELAY_C2PA_KMS_KEY: 'alias/reelay-c2pa',
    };
    const { signer } = markingKeysFromSettings(env, createKmsSigner(client));
    signedBytes = new Uint8Array(10_000).fill(7);
    const signature = await signer.sign(signedBytes);
    const { publicKey } = new X509Certificate(authority.leaf.certificate);
    const encoding = signature.length === 64 ? 'ieee-p1363' : 'der';
    const key = { key: publicKey, dsaEncoding: encoding } as const;
    expect(createVerify('sha256').update(signedBytes).verify(key, signature)).toBe(true);
    const [{ target, body } = { target: '', body: {} }] = asked;
    expect(target).toBe('TrentService.Sign');
    expect(body).toMatchObject({
      KeyId: 'alias/reelay-c2pa',
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    });
    expect(Buffer.from(body.Message ?? '', 'base64')).toHaveLength(32);
  });

  test('that does not answer delays a job and fails no video', async () => {
    isDenied = true;
    await expect(createKmsSigner(client)('alias/x')(new Uint8Array(1))).rejects.toMatchObject({
      code: 'store_unavailable',
      message: 'KMS did not answer as it should (AccessDeniedException).',
    });
  });
});
