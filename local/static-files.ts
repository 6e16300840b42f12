import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import type { HttpResult } from '#functions/http.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

const POLICY =
  "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'";

/** Files by the path of their URL. */
export interface StaticFiles {
  find(method: string, path: string): HttpResult | undefined;
}

/** The built page, read into memory once: a path either names one of its files or nothing, so no path trick reaches the disk. */
export function loadStaticFiles(folder: string): StaticFiles {
  const files = new Map<string, HttpResult>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || TYPES[extname(entry.name)] === undefined) continue;
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length).split(sep).join('/');
    files.set(path === '/index.html' ? '/' : path, {
      statusCode: 200,
      headers: {
        'content-type': TYPES[extname(entry.name)]!,
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
      body: readFileSync(full).toString('base64'),
      isBase64Encoded: true,
    });
  }
  return { find: (method, path) => (method === 'GET' || method === 'HEAD' ? files.get(path) : undefined) };
}

/** For a server without a page. */
export const noStaticFiles: StaticFiles = { find: () => undefined };
