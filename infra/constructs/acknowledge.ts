import { type CfnResource, Stack, Validations } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';
import type { IConstruct } from 'constructs';

/** Records why findings of cdk-nag on one construct and what lies below it are as they are meant to be, by their rules' short names. */
export function acknowledge(on: IConstruct, findings: Readonly<Record<string, string>>): void {
  for (const [rule, reason] of Object.entries(findings))
    Validations.of(on).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
}

/** The only wildcards that a resource of a statement may have; anything wider stays a finding, and a finding stops the synthesis. */
export const knownWildcards: readonly { readonly resource: RegExp; readonly reason: string }[] = [
  {
    resource: /^[^*]+\/(videos|references|drop|out|rejected|bundles|audit)\/\*$/,
    reason: 'The objects below one prefix of one bucket: their names are made at run time.',
  },
  { resource: /^[^*]+\/index\/\*$/, reason: 'The indexes of one table, which are part of it.' },
  { resource: /^[^*]*:task\/<?[^*]+\/\*$/, reason: 'The tasks of one cluster: their names are made at run time.' },
  { resource: /^[^*]*:container-instance\/<?[^*]+\/\*$/, reason: 'The instances of one cluster.' },
];

/** The rules of AwsSolutions, with the wildcards above acknowledged where they stand, each by its own id. */
export class ReelayChecks extends AwsSolutionsChecks {
  override validate(
    context: Parameters<AwsSolutionsChecks['validate']>[0],
  ): ReturnType<AwsSolutionsChecks['validate']> {
    const { appConstruct } = context as unknown as { appConstruct: IConstruct };
    for (const construct of appConstruct.node.findAll())
      if (construct instanceof CfnPolicy || construct instanceof CfnManagedPolicy) acknowledgeWildcards(construct);
    return super.validate(context);
  }
}

function acknowledgeWildcards(policy: CfnResource & { policyDocument: unknown }): void {
  const { Statement = [] } = Stack.of(policy).resolve(policy.policyDocument) as { Statement?: readonly Statement[] };
  const resources = Statement.filter(one => one.Effect === 'Allow').flatMap(one => one.Resource ?? []);
  for (const resource of new Set(resources.map(flattenCfnReference))) {
    const known = knownWildcards.find(one => one.resource.test(resource));
    if (known !== undefined) acknowledge(policy, { [`IAM5[Resource::${resource}]`]: known.reason });
  }
}

interface Statement {
  readonly Effect: string;
  readonly Resource?: string | readonly string[];
}
