import { type Cbor, encodeCbor } from './cbor.ts';

/** COSE header parameters: alg (RFC 9052 section 3.1) and x5chain (RFC 9360 section 2). */
const [ALG, X5CHAIN] = [1, 33];
const ES256 = -7;
const COSE_SIGN1_TAG = 18;
/** Room for the headers around certificates and token: under 200 bytes here; the padding takes up what is left. */
const ROOM = 1_024;
/** Room for a time stamp token: public services answer with their chain in 3 to 7 kB. */
const TIME_STAMP_ROOM = 16_384;

/** What a C2PA claim is signed with. */
export interface CoseKey {
  /** The leaf's certificate and those between it and the root, DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** ECDSA P-256 with SHA-256 over these bytes: r and s of 32 bytes each, or both in DER as key services give them. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Asks an RFC 3161 service for a token (DER of TimeStampToken) over these bytes, which it hashes. */
  readonly timeStamp?: ((bytes: Uint8Array) => Promise<Uint8Array>) | undefined;
}

/** Bytes that a signature of this key is given in the manifest, which is laid out before it is made. */
export function coseReserveBytes(key: Pick<CoseKey, 'chain' | 'timeStamp'>): number {
  const certificates = key.chain.reduce((sum, certificate) => sum + certificate.length + 8, 0);
  return certificates + ROOM + (key.timeStamp ? TIME_STAMP_ROOM : 0);
}

/**
 * A COSE_Sign1 of exactly `size` bytes over a detached payload (RFC 9052 section 4.2; C2PA 2.2 section 13.2). Throws when signature,
 * certificates and time stamp do not fit.
 */
export async function coseSign1(payload: Uint8Array, key: CoseKey, size: number): Promise<Uint8Array> {
  const [first, ...others] = key.chain;
  if (first === undefined) throw new Error('c2pa: a signature needs a certificate.');
  const x5chain: Cbor = others.length === 0 ? first : key.chain;
  const protectedHeader = encodeCbor(
    new Map<number, Cbor>([
      [ALG, ES256],
      [X5CHAIN, x5chain],
    ]),
  );
  const nothing = new Uint8Array();
  const signed = encodeCbor(['Signature1', protectedHeader, nothing, payload]);
  const signature = rawSignature(await key.sign(signed));
  const header = new Map<string, Cbor>();
  if (key.timeStamp) {
    // C2PA 2.2 section 13.3.2.2: sigTst2 stamps the signature, as COSE countersigns it.
    const stamped = encodeCbor(['CounterSignature', protectedHeader, nothing, encodeCbor(signature)]);
    header.set('sigTst2', new Map([['tstTokens', [new Map([['val', await key.timeStamp(stamped)]])]]]));
  }
  const whole = (pad: number) => {
    const padded = new Map<string, Cbor>([...header, ['pad', new Uint8Array(pad)]]);
    return encodeCbor({ tag: COSE_SIGN1_TAG, value: [protectedHeader, padded, null, signature] });
  };
  // A length of 256 to 65535 takes two bytes more than one under 24; both ends of the guess lie in that range, or it throws.
  const pad = size - whole(0).length - 2;
  const sign1 = pad >= 256 && pad <= 0xffff ? whole(pad) : undefined;
  if (sign1?.length !== size) throw new Error(`c2pa: a signature does not fit in the ${size} bytes kept for it.`);
  return sign1;
}

/** r and s, 32 bytes each (IEEE P1363), of either form. A DER signature of exactly 64 bytes has a chance of 2^-48. */
function rawSignature(signature: Uint8Array): Uint8Array {
  if (signature.length === 64) return signature;
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = signature[at + 1] ?? 0;
    if (signature[0] !== 0x30 || signature[at] !== 0x02 || length === 0 || at + 2 + length > signature.length)
      throw new Error(`c2pa: the signer gave ${signature.length} bytes that are no ECDSA P-256 signature.`);
    let number = signature.subarray(at + 2, at + 2 + length);
    while (number.length > 32 && number[0] === 0) number = number.subarray(1);
    if (number.length > 32) throw new Error('c2pa: the signer gave a signature of another curve than P-256.');
    raw.set(number, end - number.length);
    at += 2 + length;
  }
  return raw;
}
