import { createHash, randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { newKey } from '#core/accounts/api-key.ts';

/** `reelay key` */
export function keyCommand(): Command {
  return new Command('key')
    .description('make an API key: prints it once, with the hash that a server is given instead of it')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => {
      // 256 bits: nobody guesses one, so a plain hash keeps it.
      const key = newKey('local', randomBytes).text;
      const sha256 = createHash('sha256').update(key).digest('hex');
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ key, sha256 })}\n`
          : `key     ${key}\nsha256  ${sha256}\n\nClients send it as "Authorization: Bearer <key>"; it is kept nowhere, so keep it yourself.\nThe server gets the hash: REELAY_API_KEY_SHA256=<sha256>, or a line of the file of \`reelay serve --keys\`.\n`,
      );
    });
}
