import type { Principal } from '#core/accounts/authenticate.ts';
import type { RateLimiter } from '#core/accounts/rate-limit.ts';
import type { Refusal } from '#core/accounts/refusal.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { Verifier } from '#core/marks/verdict.ts';
import type { BlobStore } from '#core/ports.ts';
import type { WebhookPorts } from '#core/webhooks/ports.ts';

/** Everything the handlers need from outside; local/serve.ts and functions/lambda.ts each compose one. */
export interface Deps extends SubmitPorts {
  readonly blobs: BlobStore;
  /** What each residency class has of its own, where that is more than one set of ports. */
  readonly enclaves?: ReadonlyMap<string, Pick<SubmitPorts, 'store' | 'queue' | 'deadLetters' | 'blobs'>>;
  /** What the webhook routes need. */
  readonly webhooks: WebhookPorts;
  /** Who asks, from a request's Authorization header. */
  readonly authenticate: (authorization: string | undefined) => Promise<Principal | Refusal>;
  /** Counts the requests of tenants. */
  readonly rates: RateLimiter;
  /** Looks at files for POST /v1/verify. */
  readonly verifier: Pick<Verifier, 'verify'>;
  /** What the keys that are made here begin with after `rly_`: live, test, local. */
  readonly keyEnvironment: string;
  /** Whether a result may carry a stream: a long-lived server can, a buffered Lambda cannot. */
  readonly canStream: boolean;
  /** What a body may have on its way through this front; limits.maxMultipartBytes unless it carries less. */
  readonly maxUploadBytes?: number;
  /** Sleeps; ends early when told to stop. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: Log;
  /** What /health says beside "ok" to who has a key; where it rejects, /health fails. */
  readonly describe: () => Promise<Record<string, unknown>>;
}

/** One structured line. Fields are ids, numbers and codes: never a prompt, a key, a header or a URL with a signature. */
export type Log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
