import { createHash } from 'node:crypto';
import { KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { ReelayError } from '#core/errors.ts';
import { fromAws } from './aws-error.ts';

/**
 * What signs with a key of AWS KMS that nobody can take out of it: a key of the spec ECC_NIST_P256 for SIGN_VERIFY, by id, ARN or alias. The
 * signature is ECDSA with SHA-256 over the bytes, as DER. KMS is told their hash alone: it takes 4,096 bytes of a message at most. Needs
 * `kms:Sign`. Throws `store_unavailable` where KMS does not sign: the job waits, its video is not at fault.
 */
export function createKmsSigner(client?: KMSClient): (keyId: string) => (bytes: Uint8Array) => Promise<Uint8Array> {
  let connected = client;
  return keyId => async bytes => {
    connected ??= new KMSClient({});
    const digest = createHash('sha256').update(bytes).digest();
    const asked = { KeyId: keyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    const { Signature } = await connected.send(new SignCommand(asked)).catch((error: unknown) => {
      throw fromAws(error, 'KMS');
    });
    if (Signature === undefined) throw new ReelayError('store_unavailable', 'KMS answered without a signature.');
    return Signature;
  };
}
