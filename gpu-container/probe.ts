/** @file `node gpu-container/probe.ts cuda`: runs the provider's probe and prints what it found as one line of JSON; exit 0 if it runs. */
import { probeProvider } from '#gpu-container/runtime/provider-probe.ts';

const provider = process.argv[2] === 'cpu' ? 'cpu' : 'cuda';
const found = await probeProvider(provider);
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(found.ok ? 0 : 1));
