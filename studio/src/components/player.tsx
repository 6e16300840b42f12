import { useSignal } from '@preact/signals';
import { contentUrl, type Video } from '../api.ts';
import { lessMotion } from '../less-motion.ts';
import { Facts } from './facts.tsx';
import { VideoActions } from './video-actions.tsx';
import { Warnings } from './warnings.tsx';

/** A finished video, playing in a loop, with what made it. */
export function Player({ video }: { video: Video }) {
  const broken = useSignal(false);
  return (
    <>
      <div class="screen">
        {broken.value ? (
          <p>The video's file could not be loaded. It may have expired.</p>
        ) : (
          <video
            src={contentUrl(video.id, 'video')}
            poster={contentUrl(video.id, 'thumbnail')}
            aria-label={`Video: ${video.prompt}`}
            autoPlay={!lessMotion.value}
            loop
            muted
            playsInline
            controls
            onError={() => {
              broken.value = true;
            }}
          />
        )}
      </div>
      <h2 class="title">{video.prompt}</h2>
      <Warnings video={video} />
      <VideoActions video={video} />
      <Facts video={video} />
    </>
  );
}
