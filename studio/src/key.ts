/**
 * @file The key of a server that asks for one. It stays in this tab's session storage and goes out in a header; what cannot send that
 * header (player, thumbnails, downloads, event streams) has a cookie that reads videos and nothing else.
 */
import { signal } from '@preact/signals';

const NAME = 'reelay-key';

/** Empty where none is known or asked for. */
export const key = signal(stored());

/** Keeps a key for this tab, or forgets it. */
export function keepKey(value: string): void {
  key.value = value;
  try {
    if (value === '') sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, value);
  } catch {
    // A browser that stores nothing asks again after a reload.
  }
}

function stored(): string {
  try {
    return sessionStorage.getItem(NAME) ?? '';
  } catch {
    return '';
  }
}
