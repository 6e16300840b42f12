import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { VideoRequest } from '#core/video-request.ts';
import { type ClipFiles, type ClipWriter, openClipWriter } from '#gpu-container/media/clip-writer.ts';
import { type GenerateOptions, type Generation, generateFrames } from './generate-frames.ts';
import type { Model } from './model.ts';
import type { RenderedFile, RenderedFiles, RenderTimings } from './protocol.ts';
import { readReference } from './read-reference.ts';
import { translated } from './translate-error.ts';
import { rgbOf } from './video-decoder.ts';

/** What one request came to. */
export interface Rendering {
  readonly files: RenderedFiles;
  readonly timings: RenderTimings;
}

/**
 * The pipeline of one loaded model: a request in, three files in `folder` out. Nothing is written before the clip is whole.
 * `referencePath` is the request's reference in a local file.
 */
export type VideoPipeline = (
  request: VideoRequest,
  folder: string,
  options?: GenerateOptions & { readonly referencePath?: string | undefined },
) => Promise<Rendering>;

/** The pipeline on one loaded model. Frames are encoded as they are decoded: memory does not grow with their number. */
export function createVideoPipeline(model: Model): VideoPipeline {
  const render: VideoPipeline = async (request, folder, options = {}) => {
    const pixels = await readReference(request, options.referencePath, options.checkpoint);
    const generation = await generateFrames(model, request, { ...options, ...pixels });
    const { clip, encodePromptMs, denoiseMs } = generation;
    const writer = await openClipWriter(clip);
    try {
      const decodeMs = await decodeInto(writer, generation);
      await options.checkpoint?.();
      options.onProgress?.('encoding_video', 0, 0);
      const started = performance.now();
      const files = await writeFiles(await writer.finish(), resolve(folder));
      return { files, timings: { encodePromptMs, denoiseMs, decodeMs, encodeVideoMs: performance.now() - started } };
    } finally {
      writer.abandon();
    }
  };
  return (...task) => render(...task).catch(error => translated(model, error));
}

/** Milliseconds that the decoder took, the encoder's share taken off. */
async function decodeInto(writer: ClipWriter, { chunks, clip }: Generation): Promise<number> {
  const size = 3 * clip.height * clip.width;
  let decodeMs = 0;
  let from = performance.now();
  for await (const chunk of chunks) {
    const rgb = rgbOf(chunk, clip);
    decodeMs += performance.now() - from;
    for (let i = 0; i < chunk.frames; i++) await writer.add(rgb.subarray(i * size, (i + 1) * size));
    from = performance.now();
  }
  return decodeMs;
}

async function writeFiles(files: ClipFiles, folder: string): Promise<RenderedFiles> {
  await mkdir(folder, { recursive: true });
  return {
    video: await writeArtifact(join(folder, 'video.mp4'), 'video/mp4', files.video),
    thumbnail: await writeArtifact(join(folder, 'thumbnail.webp'), 'image/webp', files.thumbnail),
    spritesheet: await writeArtifact(join(folder, 'spritesheet.jpg'), 'image/jpeg', files.spritesheet),
  };
}

async function writeArtifact(path: string, contentType: string, data: Uint8Array): Promise<RenderedFile> {
  await writeFile(path, data);
  return { path, contentType, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}
