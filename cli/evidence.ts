import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { openEmbedded } from '#local/embedded.ts';
import { collectEvidence, writeEvidence } from '#local/evidence.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

/** `reelay evidence` */
export function evidenceCommand(): Command {
  return new Command('evidence')
    .description(
      'write what this installation can show an auditor, by the headings of NIST AI RMF, AI 600-1 and ISO 42001',
    )
    .argument('<folder>', 'not there yet')
    .action(async (folder: string) => {
      const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
      try {
        const files = await collectEvidence(embedded, process.env);
        const written = await writeEvidence(folder, files);
        process.stdout.write(
          `${written} files in ${folder}: begin with evidence.md; sha256sum -c SHA256SUMS checks them\n` +
            'What is marked "yours to show" no software can show for you. This is no certificate and no legal advice.\n',
        );
      } catch (error) {
        if (error instanceof ReelayError) throw error;
        throw new ReelayError('store_unavailable', `${folder} could not be written.`, { cause: error });
      } finally {
        await embedded.close();
      }
    });
}
