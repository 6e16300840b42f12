import type { Verdict } from '../api.ts';
import { phase, searchParts } from '../verify.ts';

const TITLES: Readonly<Record<Verdict['kind'], string>> = {
  ours_unaltered: 'Made here, unaltered',
  ours_altered: 'Made here, altered since',
  marked_ours: 'A copy of something made here',
  foreign_signed: 'Signed by somebody else',
  unknown: 'Origin unknown',
  unchecked: 'Not checked',
};
/** How sure, for the eye; the words say it too. */
const TONES: Readonly<Record<Verdict['kind'], 'good' | 'bad' | 'plain'>> = {
  ours_unaltered: 'good',
  ours_altered: 'bad',
  marked_ours: 'good',
  foreign_signed: 'plain',
  unknown: 'plain',
  unchecked: 'plain',
};
const SIGNATURE: Readonly<Record<Verdict['c2pa']['state'], string>> = {
  valid: 'Holds, and is of this installation',
  valid_untrusted: 'Holds, but nobody vouches for who signed',
  invalid: 'Broken',
  none: 'None',
  unchecked: 'Not looked at',
};

/** What is known of a file, in the server's own sentences, and the facts behind them. */
export function VerdictCard({ verdict }: { verdict: Verdict }) {
  const [first, ...others] = verdict.sentences;
  const { watermark, c2pa, registry } = verdict;
  const mayBeCropped = watermark.state === 'not_found' && !watermark.searched;
  return (
    <article class="verdict" data-tone={TONES[verdict.kind]}>
      <h2>{TITLES[verdict.kind]}</h2>
      <p class="first">{first}</p>
      <ul>
        {others.map(sentence => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {mayBeCropped && (
        <p class="again">
          <button type="button" class="quiet" aria-disabled={phase.value !== 'idle'} onClick={() => void searchParts()}>
            {phase.value === 'searching' ? 'Searching its parts' : 'Search for a cropped copy'}
          </button>
          <span class="hint">Takes up to 15 seconds.</span>
        </p>
      )}
      <dl class="facts">
        <Fact name="Signature (C2PA)" value={SIGNATURE[c2pa.state]} />
        <Fact name="Watermark" value={watermarkText(watermark)} />
        {c2pa.signer !== null && <Fact name="Signed in the name of" value={c2pa.signer} />}
        {c2pa.generator !== null && <Fact name="Program, as the file says" value={c2pa.generator} />}
        {registry.model !== null && <Fact name="Model" value={registry.model} />}
        {registry.made_at !== null && (
          <Fact name="Made" value={new Date(registry.made_at * 1000).toLocaleString(undefined, FORMAT)} />
        )}
        {registry.same_bytes !== null && (
          <Fact name="The very file that was delivered" value={registry.same_bytes ? 'Yes' : 'No'} />
        )}
        {registry.job !== null && <Fact name="Job" value={registry.job} wide />}
      </dl>
    </article>
  );
}

const FORMAT = { dateStyle: 'medium', timeStyle: 'short' } as const;

function watermarkText({ state, agreeing_bits, of_bits, frames, crop }: Verdict['watermark']): string {
  if (state === 'unchecked') return 'Not looked for';
  const looked = `${frames} ${frames === 1 ? 'frame' : 'frames'}`;
  if (state === 'not_found') return `Not found in ${looked}`;
  const part = crop === null ? '' : ', in a part of the frame';
  return `${agreeing_bits} of ${of_bits} bits, in ${looked}${part}`;
}

function Fact({ name, value, wide = false }: { name: string; value: string; wide?: boolean }) {
  return (
    <div class={wide ? 'wide' : undefined}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
