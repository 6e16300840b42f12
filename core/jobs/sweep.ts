/**
 * Does the same for each record of a sweep. One that fails does not keep the others waiting; the first failure is thrown at the end.
 * Returns how many succeeded.
 */
export async function sweepEach<T>(records: readonly T[], act: (record: T) => Promise<unknown>): Promise<number> {
  let done = 0;
  const failures: unknown[] = [];
  for (const record of records)
    await act(record).then(
      () => done++,
      error => failures.push(error),
    );
  if (failures.length > 0) throw failures[0];
  return done;
}
