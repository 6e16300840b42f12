import { signal } from '@preact/signals';

/** What the page shows: making videos, or looking where a file comes from. The address keeps it, so that it can be linked and gone back from. */
export type View = 'create' | 'verify';

const fromAddress = (): View => (location.hash === '#verify' ? 'verify' : 'create');

export const view = signal<View>(fromAddress());

addEventListener('hashchange', () => {
  view.value = fromAddress();
});
