/**
 * `reelay eval` on the bundled model, once in its own process and once through a running Reelay: a job's `frames_sha256` must be that of
 * the frames that were judged, and what marking and H.264 do to the figures is printed.
 *
 *     node test/evaluation/through-server.ts [prompts] [steps]        half a minute
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvalReport } from '#gpu-container/evaluation/report.ts';
import { cli, startServer } from '#test/local/server-process.ts';

const [count = '4', steps = '4'] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'reelay-eval-server-'));
const server = await startServer(join(folder, 'data'));
const report = async (name: string, ...words: string[]): Promise<EvalReport> => {
  const file = join(folder, `${name}.json`);
  const run = await cli(
    ['eval', '--model', 'reelay-mini', '--count', count, '--steps', steps, '--json', file, ...words],
    {
      REELAY_DATA: join(folder, 'other'),
    },
  );
  assert.equal(run.code, 0, run.stderr);
  return JSON.parse(await readFile(file, 'utf8'));
};
try {
  const [here, there] = [await report('here'), await report('there', '--server', server.url)];
  const answer = await fetch(`${server.url}/v1/videos?limit=100`);
  const { data } = (await answer.json()) as { data: { seed: number; provenance: { frames_sha256: string } }[] };
  for (const row of here.rows)
    assert.equal(data.find(video => video.seed === row.seed)?.provenance.frames_sha256, row.framesSha256);
  assert.equal(there.rows.length, here.rows.length);
  console.log(`${here.rows.length} clips: the frames that were judged are those of the jobs`);
  for (const name of Object.keys(here.figures!) as (keyof NonNullable<EvalReport['figures']>)[])
    console.log(
      `  ${name}: ${here.figures![name].mean.toPrecision(4)} here, ${there.figures![name].mean.toPrecision(4)} through the server`,
    );
  console.log(
    `  all as asked: ${here.adherence?.all?.percent.all} % here, ${there.adherence?.all?.percent.all} % through the server`,
  );
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
