// Its decorators keep what they say about types in this package; it must be there first.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { limits } from '#core/limits.ts';

/** A certificate and the private key of its holder, both PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** An installation's own root, and what it signs videos with. The root's key is needed only for the next leaf: keep it offline. */
export interface Authority {
  readonly root: Identity;
  readonly leaf: Identity;
}

/** C2PA 2.2 section 14.5.1 and annex of trust lists: c2pa-kp-claimSigning; c2pa-rs reads a leaf of a private root by emailProtection. */
const CLAIM_SIGNING = '1.3.6.1.4.1.62558.2.1';
const EMAIL_PROTECTION = '1.3.6.1.5.5.7.3.4';
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** A reader's clock may be behind ours; it must not find a certificate of the future. */
const EARLIER_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A new root and a leaf of it, P-256, for an organization's name. Whoever does not know the root sees "valid, untrusted". */
export async function makeAuthority(options: { organization?: string; nowMs?: number } = {}): Promise<Authority> {
  const { organization = 'Reelay installation', nowMs = Date.now() } = options;
  const keys = await newKeys();
  const name = [{ O: [organization] }, { CN: ['C2PA root'] }];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: newSerial(), name, keys, signingAlgorithm: P256, ...validity(nowMs, limits.c2paRootDays) },
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const root = { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
  return { root, leaf: await issueLeaf(root, { organization, nowMs }) };
}

/** Another leaf of a root, for when the last one ends or its key is to be changed. Throws when root and key do not belong together. */
export async function issueLeaf(
  root: Identity,
  options: { organization?: string; nowMs?: number } = {},
): Promise<Identity> {
  const { organization = 'Reelay installation', nowMs = Date.now() } = options;
  const issuer = new X509Certificate(root.certificate);
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    ...{ serialNumber: newSerial(), subject: [{ O: [organization] }, { CN: ['C2PA claim signer'] }] },
    ...{ issuer: issuer.subjectName.toJSON(), publicKey: keys.publicKey, signingAlgorithm: P256 },
    ...{ signingKey: await privateKeyOf(root.key), ...validity(nowMs, limits.c2paLeafDays) },
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([CLAIM_SIGNING, EMAIL_PROTECTION]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  if (!(await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true })))
    throw new Error('c2pa: the root certificate and the root key do not belong together.');
  return { certificate: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

/** 127 random bits and a first bit of 0: a serial is positive, at most 20 bytes, and never met twice (RFC 5280 section 4.1.2.2). */
function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - EARLIER_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function privateKeyOf(pem: string): Promise<webcrypto.CryptoKey> {
  return await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), P256, false, ['sign']);
}
