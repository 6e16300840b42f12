import { Command } from 'commander';
import { quoteVideo } from '#core/jobs/quote-video.ts';
import { toQuote } from '#functions/money-wire.ts';
import { LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

interface QuoteOptions {
  readonly json?: boolean;
  readonly [field: string]: string | boolean | undefined;
}

/** Flags that are fields of the request, by the name commander gives them. */
const FIELDS: Readonly<Record<string, string>> = {
  model: 'model',
  size: 'size',
  seconds: 'seconds',
  fps: 'fps',
  steps: 'num_inference_steps',
  preset: 'preset',
  residency: 'residency',
  maxCost: 'max_cost',
};

/** `reelay quote` */
export function quoteCommand(): Command {
  return new Command('quote')
    .description('what a video would cost, and what stands against it; makes nothing and holds nothing')
    .argument('<prompt...>', 'what the video should show')
    .option('--model <id>', 'which model; else the first that does what is asked')
    .option('--size <WxH>', 'width and height in pixels')
    .option('--seconds <n>', 'length')
    .option('--fps <n>', 'frames a second')
    .option('--steps <n>', 'denoising steps')
    .option('--preset <name>', 'settings that the model names')
    .option('--residency <class>', 'where it may be processed')
    .option('--max-cost <dollars>', 'the most that it may cost')
    .option('--json', 'as POST /v1/videos/quote answers it')
    .addHelpText('after', '\nExit codes: 0 it would be taken, 1 something stands against it, 2 bad request.')
    .action(async (words: string[], options: QuoteOptions) => quote(words.join(' '), options));
}

async function quote(prompt: string, options: QuoteOptions): Promise<void> {
  const input: Record<string, unknown> = { prompt };
  for (const [flag, field] of Object.entries(FIELDS)) if (options[flag] !== undefined) input[field] = options[flag];
  const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
  try {
    const told = toQuote(await quoteVideo(embedded.deps, LOCAL_TENANT, input));
    process.stdout.write(options.json === true ? `${JSON.stringify(told)}\n` : line(told));
    if (!told.admitted) process.exitCode = 1;
  } finally {
    await embedded.close();
  }
}

function line({ usage, price, admitted, reasons }: ReturnType<typeof toQuote>): string {
  const most = usage !== null && usage.estimated !== usage.held ? `, at most ${usage.held}` : '';
  const cost = usage === null ? 'no price' : `${usage.estimated} USD${most}`;
  const unit =
    price === null ? '' : ` (${price.rate} for each ${price.unit.replace('_', ' ')}, price list ${price.version})`;
  const against = reasons.map(({ message }) => `  ${message}\n`).join('');
  return `${cost}${unit}${admitted ? '' : '; it would be refused:'}\n${against}`;
}
