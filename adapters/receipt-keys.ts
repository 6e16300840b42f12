/**
 * @file The keys of placement receipts as PEM and as JWK (RFC 8037): Ed25519 only. A private key is never in an error or a log.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { ReelayError } from '#core/errors.ts';
import type { VerifySignature } from '#core/placement/check-receipt.ts';
import type { ReceiptSigner } from '#core/placement/sign-receipt.ts';

/** A public key as auditors keep it. `kid` is the RFC 7638 thumbprint of the others. */
export interface PublicReceiptKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** base64url, 32 bytes. */
  readonly x: string;
  readonly kid: string;
}

/** The signer, and every public key of the same file. */
export interface ReceiptKeys extends ReceiptSigner {
  readonly publicKeys: readonly PublicReceiptKey[];
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/**
 * Keys of a PEM text: the first private one signs; it and all others, private or public, verify, so that what an earlier key signed
 * still does after a new one was put before it. `where` names the text in a sentence. Throws `invalid_request`.
 */
export function receiptKeysFrom(pem: string, where: string): ReceiptKeys {
  // A setting may carry its line ends as two characters.
  const blocks = [...pem.replaceAll('\\n', '\n').matchAll(BLOCK)];
  const isPrivate = (kind: string) => kind === 'PRIVATE KEY';
  const keys = blocks.map(([block, kind]) => keyOf(block, isPrivate(kind!), where));
  const first = keys.find(key => key.type === 'private');
  if (first === undefined)
    throw refused(where, 'it has no private key; `openssl genpkey -algorithm ed25519` makes one in PEM');
  const publicKeys = keys.map(publicKeyOf);
  return {
    key: publicKeyOf(first).kid,
    sign: text => sign(null, Buffer.from(text, 'utf8'), first).toString('hex'),
    verify: verifierOf(publicKeys),
    publicKeys,
  };
}

/** A new private key in PEM (PKCS #8). */
export function newReceiptKey(): string {
  return String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

/** The public keys of a file of keys in PEM (SPKI): what they signed can still be verified, and nothing more can be signed with them. */
export function retiredKeys(pem: string, where: string): string {
  return receiptKeysFrom(pem, where)
    .publicKeys.map(key => keyObjectOf(key).export({ type: 'spki', format: 'pem' }))
    .join('');
}

/** Verifies by the key that a receipt names. */
export function verifierOf(keys: readonly PublicReceiptKey[]): VerifySignature {
  const byId = new Map(keys.map(key => [key.kid, keyObjectOf(key)]));
  return (kid, text, signature) => {
    const key = byId.get(kid);
    return key && verify(null, Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'hex'));
  };
}

function keyObjectOf({ kty, crv, x }: PublicReceiptKey): KeyObject {
  return createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
}

/** A file of public keys: a JWK Set (RFC 7517). */
export function publicKeyFile(keys: readonly PublicReceiptKey[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

/** The keys of such a file. Throws `invalid_request` with a sentence. */
export function readPublicKeys(text: string, where: string): readonly PublicReceiptKey[] {
  let list: unknown;
  try {
    list = (JSON.parse(text) as { keys?: unknown } | null)?.keys;
  } catch {
    throw refused(where, 'it is not JSON; `reelay receipts keys` writes such a file');
  }
  if (!Array.isArray(list) || list.length === 0)
    throw refused(where, 'it has no list "keys"; `reelay receipts keys` writes such a file');
  return list.map((entry: unknown, n) => readJwk(entry, where, n));
}

function readJwk(entry: unknown, where: string, n: number): PublicReceiptKey {
  const { kty, crv, x, d, kid } = (entry ?? {}) as Record<string, unknown>;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(x))
    throw refused(where, `keys[${n}] is no Ed25519 public key (kty OKP, crv Ed25519, x of 43 characters)`);
  if (d !== undefined) throw refused(where, `keys[${n}] is a private key; a file of public keys must hold none`);
  const key = withId(x);
  if (kid !== undefined && kid !== key.kid)
    throw refused(where, `keys[${n}] has another "kid" than its thumbprint, ${key.kid}`);
  return key;
}

function keyOf(block: string, isPrivate: boolean, where: string): KeyObject {
  let key: KeyObject;
  try {
    key = isPrivate ? createPrivateKey(block) : createPublicKey(block);
  } catch {
    throw refused(where, 'one of its PEM blocks cannot be read as a key'); // the cause may hold the key
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw refused(where, `it has a key of the type ${key.asymmetricKeyType}; Ed25519 is allowed`);
  return key;
}

function publicKeyOf(key: KeyObject): PublicReceiptKey {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return withId(x!);
}

/** RFC 7638 section 3: the required members in the order of their names, hashed. */
function withId(x: string): PublicReceiptKey {
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return { kty: 'OKP', crv: 'Ed25519', x, kid };
}

function refused(where: string, why: string): ReelayError {
  return new ReelayError('invalid_request', `${where}: ${why}.`);
}
