import { lessMotion } from './less-motion.ts';
import { selectedId } from './videos.ts';

/** Puts a video on the stage and the stage in sight: on a narrow screen it lies below the form. */
export function show(id: string): void {
  selectedId.value = id;
  document
    .querySelector('.screen')
    ?.scrollIntoView({ block: 'nearest', behavior: lessMotion.value ? 'auto' : 'smooth' });
}
