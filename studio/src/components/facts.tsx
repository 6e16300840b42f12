import type { Video } from '../api.ts';
import { seed, takeSeed } from '../form.ts';
import { secondsText, sizeText, startText, timeTaken, whenMade } from '../wording.ts';

/** What made this video, to the number. */
export function Facts({ video }: { video: Video }) {
  const start = startText(video);
  const inUse = seed.value === String(video.seed);
  return (
    <dl class="facts">
      <div class="wide">
        <dt>Seed</dt>
        <dd>
          {video.seed}
          <button type="button" class="link" aria-disabled={inUse} onClick={() => takeSeed(video)}>
            {inUse ? 'In the form' : 'Use this seed'}
          </button>
        </dd>
      </div>
      <Fact name="Model" value={video.model} />
      <Fact name="Time taken" value={timeTaken(video)} />
      <Fact name="Length" value={`${secondsText(video.seconds)}, ${video.num_frames} frames`} />
      <Fact name="Size" value={sizeText(video.size)} />
      <Fact name="Steps" value={`${video.num_inference_steps}, guidance ${video.guidance_scale}`} />
      {start !== undefined && <Fact name="Started from" value={start} />}
      <Fact name="Made" value={whenMade(video)} />
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
