import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { Construct } from 'constructs';

/** Told at four fifths of the month's budget, and at a forecast of more than all of it. */
export function createBudget(scope: Construct, amount: number, email: string | null, topicArn: string): void {
  const subscribers = [
    email === null ? { subscriptionType: 'SNS', address: topicArn } : { subscriptionType: 'EMAIL', address: email },
  ];
  const told = (notificationType: string, threshold: number) => ({
    notification: { notificationType, comparisonOperator: 'GREATER_THAN', threshold, thresholdType: 'PERCENTAGE' },
    subscribers,
  });
  new CfnBudget(scope, 'Budget', {
    budget: { budgetType: 'COST', timeUnit: 'MONTHLY', budgetLimit: { amount, unit: 'USD' } },
    notificationsWithSubscribers: [told('ACTUAL', 80), told('FORECASTED', 100)],
  });
}
