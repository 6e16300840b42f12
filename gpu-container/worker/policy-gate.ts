import type { Job } from '#core/job.ts';
import { askedOf } from '#core/policy/reviews/ask.ts';
import { type ContentPorts, personOf } from '#core/policy/reviews/content-ports.ts';
import { type Judged, judgeAgain } from '#core/policy/reviews/judge.ts';

/**
 * Asks the content policy of this worker about a leased job, before anything is rendered. undefined: it goes on; otherwise it waits for a
 * person, as what comes back says. Throws `policy_denied` or `likeness_consent_required`, which end the job.
 */
export function askBeforeRender(ports: ContentPorts, job: Job): Promise<Judged | undefined> {
  const requester = job.content?.requester ?? personOf(job.tenant);
  const asked = askedOf(job.request, job.request.reference?.sha256 ?? null, { tenant: job.tenant, requester });
  return judgeAgain(ports, asked, job);
}
