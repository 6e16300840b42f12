import { type MediaType, mediaExtensions } from '../references/media-type.ts';
import { extensionOf } from './names.ts';

/** Whether a file of this name may hold this type. */
export function nameFits(name: string, type: MediaType): boolean {
  return mediaExtensions[type].includes(extensionOf(name));
}
