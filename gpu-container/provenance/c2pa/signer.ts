import { createPrivateKey, type KeyObject, sign as signBytes, X509Certificate } from 'node:crypto';
import type { CoseKey } from './cose-sign1.ts';

/** What videos are signed with: see createSigner. */
export type C2paSigner = CoseKey;

/** Where a signer's certificates and key come from. */
export interface SignerSource {
  /** PEM: the leaf, then those between it and the root. A root is left out of what is written. */
  readonly certificates: string;
  /** PEM of the leaf's private key; or who has the key: gets the bytes and gives ECDSA P-256 with SHA-256, raw or DER (KMS, HSM, PKCS#11). */
  readonly key: string | ((bytes: Uint8Array) => Promise<Uint8Array>);
  /** Asks an RFC 3161 service; without one readers ask whether the leaf is valid today. */
  readonly timeStamp?: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** The clock, for tests. */
  readonly nowMs?: number;
}

/** Extended key usages that the C2PA readers demand, and the one that they refuse. */
const CLAIM_SIGNING = '1.3.6.1.4.1.62558.2.1';
const EMAIL_PROTECTION = '1.3.6.1.5.5.7.3.4';
const ANY = '2.5.29.37.0';

/** A signer whose files the readers will take; throws a sentence where certificate or key would make each of them invalid. */
export function createSigner({ certificates, key, timeStamp, nowMs = Date.now() }: SignerSource): C2paSigner {
  const all = certificates.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.map(parseCertificate);
  const [leaf, ...others] = all ?? [];
  if (leaf === undefined)
    throw new Error('c2pa: there is no certificate in what was given; allowed is PEM, the leaf first.');
  const wrong = wrongWith(leaf, nowMs);
  if (wrong !== undefined) throw new Error(`c2pa: the leaf certificate ${wrong}`);
  const between = others.filter(certificate => certificate.subject !== certificate.issuer);
  for (const [i, certificate] of between.entries())
    if (!certificate.ca || !(between[i - 1] ?? leaf).checkIssued(certificate))
      throw new Error(
        `c2pa: certificate ${i + 2} did not issue the one before it; allowed are the leaf, its issuer, and so on.`,
      );
  const chain = [leaf, ...between].map(certificate => new Uint8Array(certificate.raw));
  return { chain, sign: typeof key === 'string' ? signWith(key, leaf) : key, timeStamp };
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error('c2pa: a certificate is damaged; allowed is PEM as `openssl x509` writes it.', { cause });
  }
}

function wrongWith(leaf: X509Certificate, nowMs: number): string | undefined {
  const usages = leaf.keyUsage ?? [];
  const { publicKey, validFromDate, validToDate } = leaf;
  if (publicKey.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    return `holds a key of another kind (${publicKey.asymmetricKeyType}); allowed is ECDSA P-256.`;
  if (leaf.ca) return 'may issue certificates (CA:TRUE); what signs videos must not.';
  if (leaf.subject === leaf.issuer) return 'signs itself; readers take only one that a root has issued.';
  if (!usages.includes(CLAIM_SIGNING) || !usages.includes(EMAIL_PROTECTION) || usages.includes(ANY))
    return `has the extended key usages ${usages.join(', ') || 'none'}; needed are ${CLAIM_SIGNING} and ${EMAIL_PROTECTION}, never ${ANY}.`;
  if (nowMs < validFromDate.getTime()) return `is valid from ${validFromDate.toISOString()} on, which is to come.`;
  if (nowMs > validToDate.getTime()) return `ended at ${validToDate.toISOString()}; issue another one.`;
  return undefined;
}

function signWith(pem: string, leaf: X509Certificate): CoseKey['sign'] {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The cause may quote what it could not read.
    throw new Error('c2pa: the private key cannot be read; allowed is PEM (PKCS#8 or SEC 1) without a passphrase.');
  }
  if (!leaf.checkPrivateKey(key)) throw new Error('c2pa: the private key is not that of the leaf certificate.');
  return async bytes => new Uint8Array(signBytes('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }));
}
