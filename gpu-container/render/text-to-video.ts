import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { VideoRequest } from '#core/video-request.ts';
import type { Clip } from '#gpu-container/media/clip.ts';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { encodeSpritesheet } from '#gpu-container/media/spritesheet.ts';
import { encodeThumbnail } from '#gpu-container/media/thumbnail.ts';
import { type Embed, type GenerateOptions, generateFrames } from './generate-frames.ts';
import type { Model } from './model.ts';
import type { RenderedFile, RenderedFiles, RenderTimings } from './protocol.ts';

/** Prompts remembered: the negative prompt of every job, and a user's last attempts. 12 kB each for the bundled model. */
const MAX_REMEMBERED_PROMPTS = 64;

/** What one request came to. */
export interface Rendering {
  readonly files: RenderedFiles;
  readonly timings: RenderTimings;
}

/** The pipeline of one loaded model: a request in, three files in `folder` out. Nothing is written before the clip is whole. */
export type TextToVideo = (request: VideoRequest, folder: string, options?: GenerateOptions) => Promise<Rendering>;

/** The pipeline on one loaded model; remembers the embeddings of recent prompts. */
export function createTextToVideo(model: Model): TextToVideo {
  const embed = rememberPrompts(model);
  return async (request, folder, options = {}) => {
    const { clip, ...timings } = await generateFrames(model, embed, request, options);
    await options.checkpoint?.();
    options.onProgress?.('encoding_video', 0, 0);
    const started = performance.now();
    const files = await writeFiles(clip, resolve(folder));
    return { files, timings: { ...timings, encodeVideoMs: performance.now() - started } };
  };
}

async function writeFiles(clip: Clip, folder: string): Promise<RenderedFiles> {
  await mkdir(folder, { recursive: true });
  return {
    video: await writeArtifact(join(folder, 'video.mp4'), 'video/mp4', await encodeMp4(clip)),
    thumbnail: await writeArtifact(join(folder, 'thumbnail.webp'), 'image/webp', await encodeThumbnail(clip)),
    spritesheet: await writeArtifact(join(folder, 'spritesheet.jpg'), 'image/jpeg', await encodeSpritesheet(clip)),
  };
}

async function writeArtifact(path: string, contentType: string, data: Uint8Array): Promise<RenderedFile> {
  await writeFile(path, data);
  return { path, contentType, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

/** `model.embed`, with the most recently used texts kept. */
function rememberPrompts(model: Model): Embed {
  const known = new Map<string, Float32Array>();
  return async text => {
    const embedding = known.get(text) ?? (await model.embed(text));
    known.delete(text); // a Map keeps insertion order: the first key is the least recently used
    known.set(text, embedding);
    if (known.size > MAX_REMEMBERED_PROMPTS) known.delete(known.keys().next().value!);
    return embedding;
  };
}
