import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { createSigner } from '#gpu-container/provenance/c2pa/signer.ts';
import { claim, newInstallation, smallClip } from './sample.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

const EXTENSIONS = `basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
`;
const SERVICE = `[tsa]
default_tsa=service
[service]
serial=serial
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha256
ess_cert_id_alg=sha256
`;

/** A time stamp service of OpenSSL's with a root of its own, in a folder. */
function timeStampService(folder: string): { root: string; stamp: (bytes: Uint8Array) => Promise<Uint8Array> } {
  const openssl = (line: string) => execFileSync('openssl', line.split(' '), { cwd: folder, stdio: 'pipe' });
  for (const name of ['root', 'leaf']) openssl(`ecparam -name prime256v1 -genkey -noout -out ${name}.key`);
  const usage = '-addext keyUsage=critical,keyCertSign';
  openssl(`req -x509 -new -key root.key -days 9 -subj /O=Stamps/CN=Root ${usage} -out root.pem`);
  openssl('req -new -key leaf.key -subj /O=Stamps/CN=Leaf -out leaf.csr');
  writeFileSync(join(folder, 'extensions'), EXTENSIONS);
  writeFileSync(join(folder, 'service'), SERVICE);
  writeFileSync(join(folder, 'serial'), '01\n');
  const issuer = '-CA root.pem -CAkey root.key -set_serial 7 -days 9 -extfile extensions';
  openssl(`x509 -req -in leaf.csr ${issuer} -out leaf.pem`);
  return {
    root: readFileSync(join(folder, 'root.pem'), 'utf8'),
    stamp: async bytes => {
      writeFileSync(join(folder, 'data'), bytes);
      openssl('ts -query -data data -sha256 -cert -out query');
      openssl('ts -reply -config service -queryfile query -signer leaf.pem -inkey leaf.key -token_out -out token');
      return new Uint8Array(readFileSync(join(folder, 'token')));
    },
  };
}

test.skipIf(!hasOpenssl)(
  'a time stamp is read where its service is trusted, and is no time where it is not',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reelay-stamp-'));
    try {
      const service = timeStampService(folder);
      const { authority, trustRoots } = await newInstallation();
      const { certificate: certificates, key } = authority.leaf;
      const signer = createSigner({ certificates, key, timeStamp: service.stamp });
      const before = Math.floor(Date.now() / 1000) * 1000;
      const signed = await signMp4(await smallClip(), claim, signer);
      const trusted = await readMp4(signed, { trustRoots: `${trustRoots}\n${service.root}` });
      expect(trusted.state).toBe('valid');
      const stampedAt = Date.parse(trusted.claim?.stampedAt ?? '');
      expect(stampedAt).toBeGreaterThanOrEqual(before);
      expect(stampedAt).toBeLessThanOrEqual(Date.now());
      expect(await readMp4(signed, { trustRoots })).toMatchObject({ state: 'valid', claim: { stampedAt: null } });
      const away = createSigner({ certificates, key, timeStamp: () => Promise.reject(new Error('no stamps today')) });
      await expect(signMp4(await smallClip(), claim, away)).rejects.toThrow('no stamps today');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
