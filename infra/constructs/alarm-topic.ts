import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

/** Who tells of what goes wrong. */
const TELLERS = ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'];

/**
 * Where alarms and budgets of this account tell what they have to say, and who hears it by mail; null: whoever subscribes later.
 * A policy takes the place of the topic's default one, by which alarms are let in: without the rights below none is heard.
 */
export function createAlarmTopic(scope: Construct, id: string, email: string | null): Topic {
  const topic = new Topic(scope, id, { enforceSSL: true });
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisAccount',
      principals: TELLERS.map(name => new ServicePrincipal(name)),
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  if (email !== null) topic.addSubscription(new EmailSubscription(email));
  return topic;
}
