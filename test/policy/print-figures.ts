/** The floor's figures on the evaluation set: `node_modules/node/bin/node test/policy/print-figures.ts [development|held-out] [--missed]`. */
import { confusion, evaluate, readSet } from './evaluation.ts';

const part = process.argv.includes('development') ? 'development' : 'held-out';
const results = evaluate(readSet().filter(prompt => prompt.part === part));
console.log(`${part}: ${results.length} prompts`);
for (const row of confusion(results)) console.log(JSON.stringify(row));
if (process.argv.includes('--missed') && part === 'development')
  for (const { prompt, decision, right } of results)
    if (!right)
      console.log(
        prompt.language,
        prompt.class,
        prompt.bend,
        JSON.stringify(prompt.text),
        decision.outcome,
        decision.rules.join(' '),
      );
