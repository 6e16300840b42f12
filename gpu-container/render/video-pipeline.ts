import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { JobWarning } from '#core/job-warnings.ts';
import type { VideoRequest } from '#core/video-request.ts';
import { type ClipFiles, type ClipWriter, openClipWriter } from '#gpu-container/media/clip-writer.ts';
import { resizeRgb } from '#gpu-container/media/resize.ts';
import type { C2paLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { type GenerateOptions, type Generation, generateFrames } from './generate-frames.ts';
import { type MarkingTask, openMarking } from './marking.ts';
import type { Model } from './model.ts';
import type { Marked, RenderedFile, RenderedFiles, RenderTimings } from './protocol.ts';
import { readReference } from './read-reference.ts';
import { rehearseMarking } from './rehearse-marking.ts';
import { translated } from './translate-error.ts';
import { rgbOf } from './video-decoder.ts';

/** What one request came to. */
export interface Rendering {
  readonly files: RenderedFiles;
  readonly marked: Marked;
  /** What of the prompt the model took no notice of. */
  readonly warnings: readonly JobWarning[];
  readonly timings: RenderTimings;
}

/** What a pipeline is told beside the request. */
export interface PipelineOptions extends GenerateOptions {
  /** The request's reference in a local file. */
  readonly referencePath?: string | undefined;
  /** What the clip is marked with: there is no clip without. */
  readonly marking: Pick<MarkingTask, 'order' | 'sign'>;
}

/** The pipeline of one loaded model: a request in, three files in `folder` out. Nothing is written before the clip is whole and marked. */
export type VideoPipeline = (request: VideoRequest, folder: string, options: PipelineOptions) => Promise<Rendering>;

/** The pipeline on one loaded model. Frames are encoded as they are decoded: memory does not grow with their number. */
export function createVideoPipeline(model: Model, library: C2paLibrary): VideoPipeline {
  let isFirst = true;
  const render: VideoPipeline = async (request, folder, options) => {
    if (isFirst) void rehearseMarking(library, options.marking.order);
    isFirst = false;
    const { referencePath, checkpoint } = options;
    const { bundle } = model;
    const marking = openMarking({
      ...{ ...options.marking, request, referencePath, library },
      bundleDigest: bundle.digest,
      nativeDemanded: bundle.manifest.delivery === 'native',
    });
    const pixels = await readReference(request, referencePath, checkpoint);
    const generation = await generateFrames(model, request, { ...options, ...pixels });
    const { clip, encodePromptMs, denoiseMs } = generation;
    const { width, height } = marking.delivered;
    const seal: typeof marking.seal = file => {
      options.onProgress?.('marking', 0, 0);
      return marking.seal(file);
    };
    const writer = await openClipWriter({ ...clip, width, height }, { ...marking, seal });
    try {
      const { decodeMs, framesSha256 } = await decodeInto(writer, generation, { width, height });
      await checkpoint?.();
      options.onProgress?.('encoding_video', 0, 0);
      const started = performance.now();
      const files = await writeFiles(await writer.finish(), resolve(folder));
      const encodeVideoMs = performance.now() - started;
      return {
        files,
        marked: { ...marking.marked(), framesSha256 },
        warnings: model.warningsOf(request.prompt),
        timings: { encodePromptMs, denoiseMs, decodeMs, encodeVideoMs, ...marking.timings() },
      };
    } finally {
      writer.abandon();
    }
  };
  return (...task) => render(...task).catch(error => translated(model, error));
}

/** Milliseconds that the decoder took, the encoder's share taken off, and the hash of all frames as they came. */
async function decodeInto(
  writer: ClipWriter,
  { chunks, clip }: Generation,
  delivered: { readonly width: number; readonly height: number },
): Promise<{ decodeMs: number; framesSha256: string }> {
  const size = 3 * clip.height * clip.width;
  const hash = createHash('sha256');
  let decodeMs = 0;
  let from = performance.now();
  for await (const chunk of chunks) {
    const rgb = rgbOf(chunk, clip);
    decodeMs += performance.now() - from;
    hash.update(rgb);
    for (let i = 0; i < chunk.frames; i++)
      await writer.add(resizeRgb(rgb.subarray(i * size, (i + 1) * size), clip, delivered));
    from = performance.now();
  }
  return { decodeMs, framesSha256: hash.digest('hex') };
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
