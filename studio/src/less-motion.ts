import { signal } from '@preact/signals';

const query = matchMedia('(prefers-reduced-motion: reduce)');

/** Whether the person asked their system for less motion; then nothing plays or moves by itself. */
export const lessMotion = signal(query.matches);

query.addEventListener('change', () => {
  lessMotion.value = query.matches;
});
