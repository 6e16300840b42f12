/** Marks nothing: for tests of what an encoder does to a picture. */
export const unmarked = (): void => undefined;
