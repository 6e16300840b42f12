/** @file The image or video that the next video starts from, and those that earlier ones of this page did. */
import { signal } from '@preact/signals';
import type { FileKind } from './check-draft.ts';

export interface StartFile {
  readonly file: File;
  /** As the browser takes it, by the file's name; the server looks at the bytes. */
  readonly kind: FileKind;
  /** For the preview. */
  readonly url: string;
}

export const startFile = signal<StartFile | undefined>(undefined);

/** Puts a file in place of the one before, or none. */
export function takeFile(file: File | undefined): void {
  if (file === startFile.value?.file) return;
  if (startFile.value !== undefined) URL.revokeObjectURL(startFile.value.url);
  startFile.value = file && {
    file,
    kind: file.type.startsWith('video/') ? 'video' : 'image',
    url: URL.createObjectURL(file),
  };
}

/** The server gives no reference back: what was sent for which video is known here until the page is closed. */
const sent = new Map<string, File>();

export function rememberFile(videoId: string, file: File): void {
  sent.set(videoId, file);
}

export function rememberedFile(videoId: string): File | undefined {
  return sent.get(videoId);
}
