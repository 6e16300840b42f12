/**
 * S1 of RELIABILITY.md §4: malformed requests, drawn from a grammar, against the real server in a process of its own. None may be
 * answered with a 5xx, end the server, hang it for a second, or show what is inside.
 *
 *     node test/fuzz/requests.ts [--scale 1] [--seed 1] [--from 0] [--count N] [--out FILE.json]
 *
 * `--scale 1` is a million. A finding names its number n: `--seed S --from n --count 1` sends it again.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fuzz } from './requests-run.ts';

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    count: { type: 'string' },
    out: { type: 'string' },
  },
});
const requests = values.count === undefined ? Math.round(1_000_000 * Number(values.scale)) : Number(values.count);
const report = await fuzz({
  requests,
  seed: Number(values.seed),
  from: Number(values.from),
  onProgress: (done, megabytes) => process.stderr.write(`\r${done} of ${requests}, server ${megabytes} MB `),
});
process.stderr.write('\n');
const { findings, ...rest } = report;
console.log(JSON.stringify(rest, null, 1));
for (const { n, kind, fault, bytes } of findings.slice(0, 20))
  console.log(
    `${n} ${kind}: ${fault}\n  ${JSON.stringify(Buffer.from(bytes, 'base64').toString('latin1').slice(0, 400))}`,
  );
console.log(`${findings.length} findings, ${Math.round(report.requests / report.seconds)} requests a second`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
if (findings.length > 0 || !report.worksAfterwards) process.exitCode = 1;
