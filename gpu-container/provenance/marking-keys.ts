import { createHmac, X509Certificate } from 'node:crypto';
import { type C2paSigner, createSigner, type SignerSource } from '#gpu-container/provenance/c2pa/signer.ts';
import { deriveKeyStream, type KeyStream, type Mac } from '#gpu-container/provenance/watermark/key-stream.ts';
import { deploymentTag } from '#gpu-container/provenance/watermark/payload.ts';

/** Bytes of a watermark key: as long as the hash that it feeds. */
export const WATERMARK_KEY_BYTES = 32;
/** Each installation has a watermark key of its own, so the name under it may be the same. */
const DEPLOYMENT = 'installation';

/** What an installation knows its videos by: no more than this is needed to verify, nor when the certificates have long ended. */
export interface KnowingKeys {
  /** HMAC-SHA256 under the watermark key. */
  readonly mac: Mac;
  /** Made of the watermark key once: what embedding and reading need of it. */
  readonly stream: KeyStream;
  /** The 24 bits that all its marks share. */
  readonly tag: number;
  /** PEM of the root that its certificates end in: whom its own check trusts. */
  readonly trustRoots: string;
}

/** What an installation marks its videos with. */
export interface MarkingKeys extends KnowingKeys {
  /** HMAC-SHA256 of a request's text, hex, apart from all that the watermark asks of the same key. */
  readonly requestHmac: (jobId: string, text: string) => string;
  readonly signer: C2paSigner;
}

/** Where the keys come from. */
export interface MarkingKeySource {
  /** 32 bytes. */
  readonly watermarkKey: Uint8Array;
  /** PEM: the leaf, those between, and last the root. */
  readonly certificates: string;
  /** PEM of the leaf's private key, or who signs with it (KMS, HSM). */
  readonly key: SignerSource['key'];
  readonly timeStamp?: SignerSource['timeStamp'];
}

/** The keys, ready to use. Throws a sentence that quotes nothing of a key where they would not mark a video. */
export function markingKeysFrom({ watermarkKey, certificates, key, timeStamp }: MarkingKeySource): MarkingKeys {
  const hmac = (message: string) => createHmac('sha256', watermarkKey).update(message);
  return {
    ...knowingKeysFrom(watermarkKey, certificates),
    requestHmac: (jobId, text) => hmac(`reelay.request/1\n${jobId}\n${text}`).digest('hex'),
    signer: createSigner({ certificates, key, ...(timeStamp && { timeStamp }) }),
  };
}

/** The half that verifying needs, of a watermark key and certificates of which the last is the root. Throws as markingKeysFrom does. */
export function knowingKeysFrom(watermarkKey: Uint8Array, certificates: string): KnowingKeys {
  if (watermarkKey.length !== WATERMARK_KEY_BYTES)
    throw new Error(`watermark: the key has ${watermarkKey.length} bytes; ${WATERMARK_KEY_BYTES} are needed.`);
  const mac: Mac = message => createHmac('sha256', watermarkKey).update(message).digest();
  const tag = deploymentTag(mac, DEPLOYMENT);
  return { mac, stream: deriveKeyStream(mac), tag, trustRoots: rootOf(certificates) };
}

/** Whoever checks their own files needs to know what they are checked against. */
function rootOf(certificates: string): string {
  const last = certificates.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.at(-1);
  const root = last === undefined ? undefined : new X509Certificate(last);
  if (last === undefined || root?.ca !== true || root.subject !== root.issuer)
    throw new Error('c2pa: the last certificate is no root; needed are the leaf, those between, and last the root.');
  return `${last}\n`;
}
