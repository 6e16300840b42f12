import { defineConfig } from 'vite';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
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
