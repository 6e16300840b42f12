/**
 * How many calls of AWS a job takes, and what they cost, at sizes that the tests have no time for.
 *
 *     node test/aws-calls/run.ts [jobs …]       10 1000
 */
import { parsePriceList } from '#core/accounts/price-list.ts';
import { startCountedDeployment } from './counted-deployment.ts';
import { measureJobs, told } from './measure.ts';

const sizes = process.argv.slice(2).map(Number);
const deployment = await startCountedDeployment();
for (const jobs of sizes.length === 0 ? [10, 1_000] : sizes)
  process.stdout.write(`${told(await measureJobs(deployment, jobs))}\n`);
process.stdout.write(`one poll of an empty queue: ${JSON.stringify(await deployment.idlePoll())}\n`);
process.stdout.write(`one round of sweeps with nothing to do: ${JSON.stringify(await deployment.sweep())}\n`);
await deployment.close();
const list = '{"version": "1", "prices": {"*": {"unit": "output_second", "rates": {"*": "0.1"}}}}';
const priced = await startCountedDeployment(parsePriceList(list, 'prices', text => text));
await measureJobs(priced, 1);
process.stdout.write(`with a price list, ${told(await measureJobs(priced, 10))}\n`);
await priced.close();
