import { Aws, CfnRule, Fn, type Stack } from 'aws-cdk-lib';

/**
 * Has CloudFormation refuse the stack in any other region before it makes anything: which enclaves its workers have rights on was decided
 * by the region of the settings, and whoever deploys a template that is there already need not come by the check at the synthesis.
 */
export function holdToRegion(stack: Stack, region: string): void {
  new CfnRule(stack, 'RegionOfTheSettings', {
    assertions: [
      {
        assert: Fn.conditionEquals(Aws.REGION, region),
        assertDescription: `region: the settings say ${region}, and with it what may be processed here.`,
      },
    ],
  });
}
