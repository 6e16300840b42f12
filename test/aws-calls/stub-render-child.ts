// A child that loads at once and makes small files at once: the store and the queue are what is counted, not the renderer.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILES = { video: 'video/mp4', thumbnail: 'image/webp', spritesheet: 'image/jpeg' } as const;

process.on('message', (message: { type: string; taskId: string; folder: string }) => {
  if (message.type !== 'render') return;
  mkdirSync(message.folder, { recursive: true });
  const files = Object.entries(FILES).map(([variant, contentType]) => {
    const path = join(message.folder, variant);
    const bytes = Buffer.from(`${variant} of ${message.taskId}`);
    writeFileSync(path, bytes);
    return [
      variant,
      { path, contentType, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    ];
  });
  const timings = { encodePromptMs: 0, denoiseMs: 0, decodeMs: 0, encodeVideoMs: 0 };
  process.send!({ type: 'started', taskId: message.taskId, resumedAtStep: 0 });
  process.send!({ type: 'done', taskId: message.taskId, files: Object.fromEntries(files), timings });
});
process.on('disconnect', () => process.exit(0));
process.send!({ type: 'ready', bundleId: 'stub', digest: '', loadMs: 0 });
