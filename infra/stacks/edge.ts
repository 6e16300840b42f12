import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Effect, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnProfile, CfnTrustAnchor } from 'aws-cdk-lib/aws-rolesanywhere';
import type { Construct } from 'constructs';
import { formatBundlePin } from '#core/bundle-objects.ts';
import type { ModelCatalog } from '#core/models.ts';
import { mayServe } from '#core/policy/residency.ts';
import { AnywhereNodes } from '../constructs/anywhere-nodes.ts';
import { enclaveNames } from '../constructs/enclave.ts';
import { giveGrants } from '../constructs/grants.ts';
import { workerImageOf } from '../constructs/worker-image.ts';
import type { OnPremPool, Settings } from '../settings-types.ts';
import { bundleGrants, workerGrants } from '../worker.ts';
import type { CoreStack } from './core.ts';

/** What the edge stack is made of. */
export interface EdgeStackProps extends StackProps {
  readonly settings: Settings;
  readonly cards: ModelCatalog;
  readonly core: CoreStack;
}

/** How long the credentials of a certificate hold; workers fetch new ones by themselves. */
const SESSION_SECONDS = 3_600;

/** What workers on the premises come with: rights on exactly the enclaves that their place may serve, and a way to them. */
export class EdgeStack extends Stack {
  /** The rights of each pool, for its role, its nodes or its user. */
  readonly policies: ReadonlyMap<string, ManagedPolicy>;

  constructor(scope: Construct, id: string, { settings, cards, core, ...props }: EdgeStackProps) {
    super(scope, id, props);
    this.policies = new Map(settings.onPrem.map(pool => [pool.pool, this.createPolicy(pool, settings, core)]));
    const { certificateAuthorityPem } = settings;
    const certified = settings.onPrem.filter(({ access }) => access === 'roles-anywhere');
    if (certificateAuthorityPem !== null && certified.length > 0) this.createAnchor(certificateAuthorityPem, certified);
    const nodes = settings.onPrem.filter(({ access }) => access === 'ecs-anywhere');
    if (nodes.length > 0) {
      const image = workerImageOf(this, settings.fleet?.workerImage ?? 'parameter');
      for (const pool of nodes) {
        const policy = this.policies.get(pool.pool)!;
        new AnywhereNodes(this, `Nodes-${pool.pool}`, { pool, policy, core, cards, settings, image });
      }
    }
    const output = new CfnOutput(this, 'JoinFile', { value: joinFile(this, settings, cards, core) });
    output.description =
      'For `reelay worker --pool <name> --join <this as a file>`; it names resources and holds no secret';
    for (const [pool, policy] of this.policies)
      new CfnOutput(this, `Policy-${pool}`.replace(/[^A-Za-z0-9]/g, ''), { value: policy.managedPolicyArn });
  }

  private createPolicy({ pool, region }: OnPremPool, { residency }: Settings, core: CoreStack): ManagedPolicy {
    const place = { site: 'onprem', region } as const;
    const enclaves = core.enclaves.filter(one => mayServe(residency, one.residency, place));
    const policy = new ManagedPolicy(this, `Rights-${pool}`, {
      description: `Reelay workers of the pool ${pool}: ${enclaves.map(one => one.residency).join(', ')}`,
    });
    const statements = (statement: PolicyStatement) => policy.addStatements(statement);
    const { eventBus, auditBucket } = core;
    giveGrants(statements, workerGrants, { enclaves, eventBus, auditBucket });
    giveGrants(statements, bundleGrants, { enclaves: [core.standard] });
    return policy;
  }

  /** One certificate authority, and a role for each pool that only a certificate with the pool's name as its common name may take. */
  private createAnchor(pem: string, pools: readonly OnPremPool[]): void {
    const anchor = new CfnTrustAnchor(this, 'TrustAnchor', {
      name: `${this.stackName}-anchor`,
      enabled: true,
      source: { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: pem } },
    });
    new CfnOutput(this, 'TrustAnchorArn', { value: anchor.attrTrustAnchorArn });
    for (const { pool } of pools) {
      const principal = new ServicePrincipal('rolesanywhere.amazonaws.com');
      const role = new Role(this, `Role-${pool}`, {
        assumedBy: principal.withConditions(certificateOf(pool, anchor.attrTrustAnchorArn)),
        managedPolicies: [this.policies.get(pool)!],
      });
      role.assumeRolePolicy?.addStatements(
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: [principal],
          actions: ['sts:TagSession', 'sts:SetSourceIdentity'],
          conditions: certificateOf(pool, anchor.attrTrustAnchorArn),
        }),
      );
      const profile = new CfnProfile(this, `Profile-${pool}`, {
        name: `${this.stackName}-${pool}`,
        enabled: true,
        durationSeconds: SESSION_SECONDS,
        roleArns: [role.roleArn],
      });
      const name = pool.replace(/[^A-Za-z0-9]/g, '');
      new CfnOutput(this, `RoleArn${name}`, { value: role.roleArn });
      new CfnOutput(this, `ProfileArn${name}`, { value: profile.attrProfileArn });
    }
  }
}

function certificateOf(pool: string, anchorArn: string): Record<string, Record<string, string>> {
  return {
    ArnEquals: { 'aws:SourceArn': anchorArn },
    StringEquals: { 'aws:PrincipalTag/x509Subject/CN': pool },
  };
}

/** The join file, version 1, as cli/join-file.ts reads it. */
function joinFile(stack: Stack, settings: Settings, cards: ModelCatalog, core: CoreStack): string {
  return stack.toJsonString({
    v: 1,
    region: stack.region,
    enclaves: Object.fromEntries(core.enclaves.map(one => [one.residency, enclaveNames(one)])),
    eventBus: core.eventBus.eventBusName,
    pools: settings.onPrem.map(({ pool, region }) => ({ pool, region })),
    residency: settings.residency,
    bundles: Object.fromEntries(cards.map(card => [card.id, formatBundlePin(card)])),
    ...(settings.shares === '' ? {} : { shares: settings.shares }),
  });
}
