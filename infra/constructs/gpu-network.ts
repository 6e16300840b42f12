import {
  GatewayVpcEndpointAwsService,
  type IVpc,
  NatProvider,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** What the network is for. */
export interface GpuNetworkProps {
  readonly tasksHaveOwnAddresses: boolean;
  /** By name; null: the first two. */
  readonly zones: readonly string[] | null;
}

/**
 * Where GPU instances stand: nothing reaches them, they dial out. With `tasksHaveOwnAddresses` their tasks' network interfaces get no
 * public address, so they stand in private subnets behind one NAT gateway, which costs by the hour; else in public subnets, for nothing.
 * Bytes to and from S3 and DynamoDB pass neither.
 */
export class GpuNetwork extends Construct {
  readonly vpc: Vpc;
  readonly securityGroup: SecurityGroup;
  readonly subnetIds: string[];

  constructor(scope: Construct, id: string, { tasksHaveOwnAddresses, zones }: GpuNetworkProps) {
    super(scope, id);
    const outside = { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 20 };
    const inside = { name: 'Private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 };
    this.vpc = new Vpc(this, 'Vpc', {
      // A template for any account cannot count the zones that it has: a third one is there only for who names it.
      ...(zones === null ? { maxAzs: 2 } : { availabilityZones: [...zones] }),
      natGateways: tasksHaveOwnAddresses ? 1 : 0,
      ...(tasksHaveOwnAddresses ? { natGatewayProvider: NatProvider.gateway() } : {}),
      subnetConfiguration: tasksHaveOwnAddresses ? [outside, inside] : [outside],
      restrictDefaultSecurityGroup: false,
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
    });
    acknowledge(this.vpc, {
      VPC7: 'Nothing listens: the only security group lets nothing in, and what goes out is in the log of the called service.',
    });
    this.securityGroup = new SecurityGroup(this, 'Workers', {
      vpc: this.vpc as IVpc,
      description: 'Reelay GPU workers: nothing in, TCP out',
      allowAllOutbound: false,
    });
    // Webhook receivers may listen on any port.
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.allTcp());
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.udp(53));
    const subnetType = tasksHaveOwnAddresses ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PUBLIC;
    this.subnetIds = this.vpc.selectSubnets({ subnetType }).subnetIds;
  }
}
