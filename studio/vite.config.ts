import { defineConfig } from 'vite';

export default defineConfig({
  // `development` would follow NODE_ENV, which is "test" when a test starts the build.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  build: {
    outDir: 'dist',
    target: 'es2022',
    // The page's policy allows scripts and styles as files of its own origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // For work on the page itself: `vite studio` beside a running `npm start`.
  server: { proxy: { '/v1': 'http://127.0.0.1:4180' } },
});
