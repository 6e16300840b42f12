import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobMarking } from '#core/job.ts';
import type { KeyValueStore } from '#core/ports.ts';
import type { MarkingOrder } from '#gpu-container/render/protocol.ts';
import { createMarks, type Marks } from '#gpu-container/worker/marks.ts';
import { openMarkingKeys } from '#local/marking-keys.ts';

const FOLDER = join(tmpdir(), 'reelay-test-keys');

/** The keys of all tests of a machine: made by the first that needs them, as by the first start of a data folder. */
export const { keys: markingKeys } = await openMarkingKeys(FOLDER);

/** The marks of a worker of a test. */
export function marksFor(parts: { readonly kv: KeyValueStore; readonly now?: () => number }): Marks {
  return createMarks({ keys: markingKeys, kv: parts.kv, now: parts.now ?? Date.now });
}

/** What a render child is told to mark a task's video with, for tests that have no record. */
export const testMarking: MarkingOrder = {
  stream: markingKeys.stream,
  message: { left: 123_456_789, right: 98_765_432 },
  chain: markingKeys.signer.chain,
  trustRoots: markingKeys.trustRoots,
  generator: { name: 'Reelay', version: '0.0.0' },
  createdAtMs: Date.UTC(2026, 10, 21),
  jobId: 'video_01j00000000000000000000000',
  requestHmac: 'cd'.repeat(32),
  disclosure: { profiles: ['eu'], label: null, tags: {}, provider: null },
};

/** What a record says of a marked video, for tests that mark none. */
export const someMarking: JobMarking = {
  payload: '0123456789abcde',
  watermark: 'lf-stdm/1',
  strength: 'reduced',
  size: '256x256',
  manifestId: 'urn:c2pa:00000000-0000-4000-8000-000000000000',
  framesSha256: 'ef'.repeat(32),
};

const text = (name: string) => readFileSync(join(FOLDER, 'marking', name), 'utf8');

/** The same keys as a deployed worker is told them. */
export const markingSettings = {
  REELAY_WATERMARK_KEY: text('watermark-key.hex').trim(),
  REELAY_C2PA_CERTIFICATES: `${text('leaf.pem')}\n${text('root.pem')}`,
  REELAY_C2PA_KEY: text('leaf-key.pem'),
};
