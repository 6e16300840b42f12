import { useSignal } from '@preact/signals';
import { chosenSize } from '../form.ts';
import type { StartFile } from '../start-file.ts';
import { aspectOf, bytesText, sizeText } from '../wording.ts';

interface Shape {
  readonly width: number;
  readonly height: number;
}

/** Shapes this close look alike. */
const SAME_SHAPE = 0.03;

/** The chosen file: a look at it, its name, its size, and what will happen to its shape. */
export function FilePreview({ start }: { start: StartFile }) {
  const shape = useSignal<Shape | undefined>(undefined);
  const unseen = useSignal(false);
  const fail = () => {
    unseen.value = true;
  };
  const { kind, url, file } = start;
  return (
    <>
      {unseen.value ? null : kind === 'image' ? (
        <img
          class="preview"
          src={url}
          alt=""
          onError={fail}
          onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => {
            shape.value = { width, height };
          }}
        />
      ) : (
        <video
          class="preview"
          src={url}
          muted
          playsInline
          preload="metadata"
          onError={fail}
          onLoadedMetadata={({ currentTarget: { videoWidth: width, videoHeight: height } }) => {
            shape.value = { width, height };
          }}
        />
      )}
      <p class="facts-of-file">
        <span class="name">{file.name}</span>
        <span class="hint">{factsText(file, shape.value)}</span>
        <span class="hint">{unseen.value ? 'This browser cannot show it.' : stretchText(shape.value)}</span>
      </p>
    </>
  );
}

function factsText({ size }: File, shape: Shape | undefined): string {
  return shape === undefined ? bytesText(size) : `${shape.width} × ${shape.height}, ${bytesText(size)}`;
}

function stretchText(shape: Shape | undefined): string {
  if (shape === undefined) return '';
  const stretch = shape.width / shape.height / aspectOf(chosenSize.value);
  return Math.abs(stretch - 1) < SAME_SHAPE ? '' : `Will be stretched to ${sizeText(chosenSize.value)}.`;
}
