/**
 * Works on `width` items at a time and gives the results in the order of the items. No more than `width` are begun and not yet taken, so
 * what waits for its turn is bounded. The first error aborts the others, waits for them and is thrown.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  options: { readonly width: number; readonly signal: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result> {
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  let failure: { readonly error: unknown } | undefined; // the first error, not those that its abort causes
  let tellFailure: (error: unknown) => void = () => undefined;
  const begun: Promise<Result>[] = [];
  const rest = items[Symbol.iterator]();
  const begin = () => {
    const { value, done } = rest.next();
    if (done) return;
    const result = work(value, signal);
    result.catch(error => {
      failure ??= { error };
      tellFailure(failure.error);
      over.abort(new Error('another part failed'));
    });
    begun.push(result);
  };
  try {
    for (let count = 0; count < options.width; count++) begin();
    for (let next = begun[0]; next !== undefined; next = begun[0]) {
      if (failure !== undefined) throw failure.error;
      yield await new Promise<Result>((resolve, reject) => {
        tellFailure = reject;
        next?.then(resolve, () => reject(failure?.error)); // `failure` is set first: its handler was there first
      });
      begun.shift();
      begin();
    }
  } finally {
    over.abort(new Error('nobody takes the rest'));
    await Promise.allSettled(begun);
  }
}
