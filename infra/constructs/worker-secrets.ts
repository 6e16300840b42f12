import { RemovalPolicy } from 'aws-cdk-lib';
import { Secret as EcsSecret } from 'aws-cdk-lib/aws-ecs';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** What a worker is told and nobody else may read: made empty, and filled by people before the first job. */
const SECRETS = {
  REELAY_RECEIPT_KEY: {
    id: 'ReceiptKey',
    description:
      'The private Ed25519 key, in PEM, that placement receipts are signed with; put it here before the first job',
    kept: 'Receipts are checked with the key they were signed with: a new key is a decision of people.',
  },
  REELAY_WATERMARK_KEY: {
    id: 'WatermarkKey',
    description: 'The key of the watermark, 64 hex digits; put it here before the first job, and keep a copy',
    kept: 'Watermarks are read with the key they were set with: with a new one all videos of before are strangers.',
  },
  REELAY_C2PA_CERTIFICATES: {
    id: 'C2paCertificates',
    description: 'The certificates that C2PA manifests are signed under, in PEM: the leaf first, the root last',
    kept: 'A new leaf is a decision of people; nothing here is private.',
  },
  REELAY_C2PA_KEY: {
    id: 'C2paKey',
    description: 'The private ECDSA P-256 key of the leaf certificate, in PEM',
    kept: 'It belongs to one certificate, and goes when that goes.',
  },
} as const;

/**
 * The secrets of all workers, by the variable that each is told in; without C2PA's private key where KMS has one. They outlive the stack,
 * which may be replaced at any time.
 */
export function createWorkerSecrets(scope: Construct, c2paKmsKey: string | null): Readonly<Record<string, EcsSecret>> {
  const needed = Object.entries(SECRETS).filter(([variable]) => c2paKmsKey === null || variable !== 'REELAY_C2PA_KEY');
  const made = needed.map(([variable, { id, description, kept }]) => {
    const secret = new Secret(scope, id, { description, removalPolicy: RemovalPolicy.RETAIN });
    acknowledge(secret, { SMG4: kept });
    return [variable, EcsSecret.fromSecretsManager(secret as ISecret)];
  });
  return Object.fromEntries(made);
}
