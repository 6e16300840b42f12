/// <reference path="./.sst/platform/config.d.ts" />

// The front: `npx sst@4.17.1 deploy --stage production`. No imports up here, for SST evaluates this file by itself to learn the app's name.
export default $config({
  app(input) {
    const isProduction = input.stage === 'production';
    return {
      name: 'reelay',
      version: '4.17.1',
      home: 'aws',
      removal: isProduction ? 'retain' : 'remove',
      protect: isProduction,
      providers: { aws: '7.20.0' },
    };
  },
  async run() {
    const { deployCdk } = await import('./infra/front/deploy-cdk.ts');
    return deployCdk({ env: process.env });
  },
});
