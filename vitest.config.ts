import { defineConfig } from 'vitest/config';

/** Real processes that are killed, starved and lied to: four minutes of two cores. `npm run test:faults` has them, and CI. */
const FAULT_SUITES = [
  ...['kill', 'workers-that-die', 'clients-and-messages', 'disks-and-clocks', 'drop', 'webhooks'].map(
    name => `test/faults/${name}.test.ts`,
  ),
  'test/drop/crash.test.ts',
];
const isForFaults = process.env.REELAY_TESTS === 'faults';

export default defineConfig({
  test: {
    include: isForFaults ? FAULT_SUITES : ['test/**/*.test.ts'],
    exclude: isForFaults ? [] : FAULT_SUITES,
    // Two cores: more workers only slow the tests that render.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { AWS_EC2_METADATA_DISABLED: 'true' },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    reporters: process.env.REELAY_TEST_REPORT
      ? ['default', ['json', { outputFile: process.env.REELAY_TEST_REPORT }]]
      : ['default'],
  },
});
