/**
 * Which part of several enclaves a job's things belong to. What names a job goes to the enclave of the class that its id says; an id of a
 * class that is not open here is refused, never sent to another one. What names none goes to the standard class.
 */
import { ReelayError } from '#core/errors.ts';
import { residencyOf } from '#core/job-id.ts';
import { defaultResidency } from '#core/policy/residency.ts';

/** The parts of several enclaves by the name of their class; the standard class is among them. */
export type ByClass<Part> = ReadonlyMap<string, Part>;

/** The part of the standard class. */
export function standardPart<Part>(parts: ByClass<Part>): Part {
  const part = parts.get(defaultResidency);
  if (part === undefined) throw notOpen(defaultResidency);
  return part;
}

/** The part of a job's class. Throws `residency_unsatisfiable` where that is not open. */
export function partOfJob<Part>(parts: ByClass<Part>, jobId: string): Part {
  const residency = residencyOf(jobId) ?? defaultResidency;
  const part = parts.get(residency);
  if (part === undefined) throw notOpen(residency);
  return part;
}

/** What is said of a class whose enclave this process has not opened. */
export function notOpen(residency: string): ReelayError {
  return new ReelayError(
    'residency_unsatisfiable',
    `The enclave of the residency class "${residency}" is not open here.`,
  );
}
