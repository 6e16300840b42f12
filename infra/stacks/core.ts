import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Function as Fn } from 'aws-cdk-lib/aws-lambda';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { ModelCatalog } from '#core/models.ts';
import { apiRoutes, type FunctionSpec, functions, outputOf } from '#infra/functions.ts';
import { createAlarmTopic } from '../constructs/alarm-topic.ts';
import { alarmOnErrors, alarmOnLetters, alarmOnOldest } from '../constructs/alarms.ts';
import { createAuditBucket } from '../constructs/audit-bucket.ts';
import { bundledCode } from '../constructs/bundled-code.ts';
import { DropRule } from '../constructs/drop-rule.ts';
import { Enclave, enclavesJson } from '../constructs/enclave.ts';
import { FrontDoor } from '../constructs/front-door.ts';
import { createMasterKey } from '../constructs/master-key.ts';
import { Overview } from '../constructs/overview.ts';
import { createFunction } from '../constructs/reelay-function.ts';
import { placesOf } from '../settings-checks.ts';
import type { Settings } from '../settings-types.ts';

/** What the core stack is made of. */
export interface CoreStackProps extends StackProps {
  readonly settings: Settings;
  readonly cards: ModelCatalog;
}

type CoreFunctionName = 'api' | 'tick' | 'drop';

/** Everything that stands whether or not a GPU runs: the enclaves, the bus, the API and its functions, drops, alarms. */
export class CoreStack extends Stack {
  readonly enclaves: readonly Enclave[];
  readonly eventBus: EventBus;
  /** Closed segments of the audit ledger. */
  readonly auditBucket: Bucket;
  /** Wraps people's keys. */
  readonly masterKey: Secret;
  readonly alarmTopic: Topic;
  readonly frontDoor: FrontDoor;
  readonly functions: Readonly<Record<CoreFunctionName, Fn>>;
  readonly drops: DropRule;
  /** Tenants' policies as workers are told them; '' for none. */
  readonly policies: string;
  /** Values of the environment variables that processes of Reelay share. */
  readonly variables: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, { settings, cards, ...props }: CoreStackProps) {
    super(scope, id, props);
    this.enclaves = Object.keys(settings.residency).map(
      residency => new Enclave(this, enclaveId(residency), { residency, ownKey: residency !== 'standard' }),
    );
    this.eventBus = new EventBus(this, 'Events', { description: 'What becomes of jobs, as CloudEvents' });
    this.auditBucket = createAuditBucket(this, 'Audit', settings.auditYears);
    this.masterKey = createMasterKey(this);
    this.alarmTopic = createAlarmTopic(this, 'Alarms', settings.alarmEmail);
    const apiKey = new CfnParameter(this, 'ApiKeySha256', {
      description: "SHA-256 of the operator's API keys, in hex, commas between. Without one nobody is let in at first.",
      default: '',
      allowedPattern: '^([0-9a-f]{64}(,[0-9a-f]{64})*)?$',
      noEcho: true,
    });
    this.variables = environmentOf(this, settings, apiKey.valueAsString);
    const { policies } = settings;
    this.policies = Object.keys(policies).length === 0 ? '' : JSON.stringify({ tenants: policies });
    this.functions = this.createFunctions(settings, cards);
    this.frontDoor = new FrontDoor(this, 'FrontDoor', {
      handler: this.functions.api,
      routes: apiRoutes,
      logDays: settings.logDays,
    });
    this.drops = new DropRule(this, 'Drops', {
      bucket: this.standard.bucket,
      handler: this.functions.drop,
      timeoutSeconds: functions.drop.timeoutSeconds,
      batchSize: functions.drop.triggers[0].batchSize,
    });
    this.createAlarms();
    new Overview(this, 'Overview', this);
    this.createOutputs();
  }

  /** The enclave of the class that every installation has; it keeps the key value entries too. */
  get standard(): Enclave {
    return this.enclaves.find(({ residency }) => residency === 'standard')!;
  }

  private createFunctions({ logDays, prices, policies }: Settings, cards: ModelCatalog): Record<CoreFunctionName, Fn> {
    const code = bundledCode(this, functions.api.file, {
      'models.json': JSON.stringify(cards),
      'prices.json': JSON.stringify(prices ?? freeOfCharge),
      'policies.json': JSON.stringify({ tenants: policies }),
    });
    const targets = { enclaves: this.enclaves, eventBus: this.eventBus };
    const make = (name: CoreFunctionName, id: string) => {
      const spec: FunctionSpec = functions[name];
      const made = createFunction(this, id, { spec, code, environment: this.variables, targets, logDays });
      for (const trigger of spec.triggers)
        if (trigger.kind === 'schedule')
          new Rule(this, `${id}Schedule`, {
            schedule: Schedule.rate(Duration.minutes(trigger.everyMinutes)),
            // A minute that was missed is made up for by the next one.
            targets: [new LambdaFunction(made, { retryAttempts: 0 })],
          });
      return made;
    };
    return { api: make('api', 'Api'), tick: make('tick', 'Tick'), drop: make('drop', 'Drop') };
  }

  private createAlarms(): void {
    const topic = this.alarmTopic;
    for (const { residency, queue, deadLetterQueue } of this.enclaves) {
      alarmOnLetters(this, `DeadLetters-${residency}`, topic, deadLetterQueue, `A job of ${residency} was given up`);
      alarmOnOldest(this, `OldestJob-${residency}`, topic, queue);
    }
    alarmOnLetters(this, 'DropLetters', topic, this.drops.deadLetterQueue, 'A drop could not be taken in');
    alarmOnErrors(this, 'ApiErrors', topic, this.functions.api, 'The API');
    alarmOnErrors(this, 'TickErrors', topic, this.functions.tick, 'The sweep');
    alarmOnErrors(this, 'DropErrors', topic, this.functions.drop, 'The drop function');
  }

  private createOutputs(): void {
    new CfnOutput(this, 'ApiUrl', { value: this.frontDoor.api.apiEndpoint });
    new CfnOutput(this, 'AlarmTopic', { value: this.alarmTopic.topicArn });
    // Keys and their hashes are nobody's business who may only describe stacks.
    for (const [name, value] of Object.entries(this.variables))
      if (!['REELAY_API_KEY_SHA256', 'REELAY_MASTER_KEY'].includes(name) && value !== '')
        new CfnOutput(this, outputOf(name), { value });
  }
}

/** What parsePriceList reads as core/accounts/price-list.ts has it: nothing costs anything. */
const freeOfCharge = { version: 'free', prices: { '*': { unit: 'output_second', rates: { '*': 0 } } } };

function enclaveId(residency: string): string {
  const words = residency.split('-').map(word => word.charAt(0).toUpperCase() + word.slice(1));
  return `Enclave${words.join('')}`;
}

function environmentOf(stack: CoreStack, settings: Settings, apiKeySha256: string): Record<string, string> {
  const { queue, deadLetterQueue, table, bucket } = stack.standard;
  return {
    REELAY_QUEUE_URL: queue.queueUrl,
    REELAY_DEAD_LETTER_QUEUE_URL: deadLetterQueue.queueUrl,
    REELAY_TABLE: table.tableName,
    REELAY_BUCKET: bucket.bucketName,
    REELAY_EVENT_BUS: stack.eventBus.eventBusName,
    REELAY_AUDIT_BUCKET: stack.auditBucket.bucketName,
    REELAY_ENCLAVES: enclavesJson(stack, stack.enclaves),
    REELAY_RESIDENCY: JSON.stringify(settings.residency),
    REELAY_POOLS: stack.toJsonString(placesOf(settings).map(place => inRealRegion(place, stack.region))),
    REELAY_MODELS_FILE: 'models.json',
    REELAY_PRICES: 'prices.json',
    REELAY_POLICY: 'policies.json',
    REELAY_API_KEY_SHA256: apiKeySha256,
    // CloudFormation puts it in when it deploys; the template has the secret's name.
    REELAY_MASTER_KEY: stack.masterKey.secretValue.unsafeUnwrap(),
    REELAY_SHARES: settings.shares,
    REELAY_WEBHOOK_ALLOW: settings.webhookAllow,
    REELAY_TENANT: settings.dropTenant,
    REELAY_POOL: 'front-door',
    REELAY_SITE: 'cloud',
    REELAY_REGION: stack.region,
  };
}

/** Where a stack stands is what decides where its pools are, whatever the settings hoped. */
function inRealRegion<P extends { readonly site: string; readonly region: string }>(place: P, region: string): P {
  return place.site === 'cloud' ? { ...place, region } : place;
}
