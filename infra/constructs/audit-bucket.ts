import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { cloudLimits } from '../cloud-limits.ts';
import { acknowledge } from './acknowledge.ts';

/**
 * Where closed segments of the audit ledger lie: locked in COMPLIANCE mode for so many years, in which nobody deletes or changes them, root
 * included. A put over one makes a version on top of it.
 */
export function createAuditBucket(scope: Construct, id: string, years: number): Bucket {
  const bucket = new Bucket(scope, id, {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    objectLockEnabled: true,
    objectLockDefaultRetention: ObjectLockRetention.compliance(Duration.days(years * cloudLimits.auditYearDays)),
    removalPolicy: RemovalPolicy.RETAIN,
  });
  acknowledge(bucket, {
    S1: 'What is written is chained and signed, and never read by name: access logs would say no more.',
  });
  return bucket;
}
