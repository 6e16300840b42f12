import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
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
