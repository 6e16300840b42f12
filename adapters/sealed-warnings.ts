/** @file Warnings as they lie in a store: the words of a prompt that they name are sealed as the prompt is. */
import type { SealPorts, Subject } from '#core/audit/subject-key.ts';
import { subjectOf } from '#core/audit/subjects.ts';
import { isSealed, openText, sealText } from '#core/audit/vault.ts';
import type { Job } from '#core/job.ts';
import type { JobWarning } from '#core/job-warnings.ts';

/** In place of the words one sealed text. Throws `forbidden` for a subject that is erased. */
export async function sealWarnings(
  keys: SealPorts,
  subject: Subject,
  id: string,
  warnings: readonly JobWarning[],
): Promise<readonly JobWarning[]> {
  const seal = async (warning: JobWarning): Promise<JobWarning> => {
    if (warning.code !== 'unknown_words') return warning;
    return { ...warning, words: [await sealText(keys, subject, 'prompt', placeOf(id), JSON.stringify(warning.words))] };
  };
  return Promise.all(warnings.map(seal));
}

/** As they were told; those whose words are gone with the prompt are left out. Throws `internal` for damaged ones. */
export async function openWarnings(keys: SealPorts, job: Job): Promise<readonly JobWarning[]> {
  const open = async (warning: JobWarning): Promise<readonly JobWarning[]> => {
    if (warning.code !== 'unknown_words') return [warning];
    const [sealed] = warning.words;
    if (sealed === undefined || !isSealed(sealed)) return [warning];
    const text = await openText(keys, subjectOf(job), 'prompt', placeOf(job.id), sealed);
    return text === undefined ? [] : [{ ...warning, words: JSON.parse(text) as string[] }];
  };
  return (await Promise.all(job.warnings.map(open))).flat();
}

const placeOf = (id: string) => `${id}/warnings`;
