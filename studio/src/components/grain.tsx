import { useEffect, useRef } from 'preact/hooks';
import { lessMotion } from '../less-motion.ts';

const SIDE = 56;
const FRAME_MS = 110;

/** Noise that thins out as the sampler removes it. Decoration: the words and the strip beside it carry the meaning. */
export function Grain({ progress, moving }: { progress: number; moving: boolean }) {
  const still = !moving || lessMotion.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context === null || context === undefined) return;
    const image = context.createImageData(SIDE, SIDE);
    const paint = () => {
      fill(image.data, 1 - progress / 100);
      context.putImageData(image, 0, 0);
    };
    paint();
    if (still) return;
    const timer = setInterval(paint, FRAME_MS);
    return () => clearInterval(timer);
  }, [progress, still]);
  return <canvas ref={canvas} class="grain" width={SIDE} height={SIDE} />;
}

/** `strength` 1 is pure noise, 0 the still dark of the screen. */
function fill(data: Uint8ClampedArray, strength: number): void {
  const spread = 26 + 84 * strength;
  for (let i = 0; i < data.length; i += 4) {
    const light = (Math.random() + Math.random() - 1) * spread;
    const hue = (Math.random() - 0.5) * spread * 0.5;
    data[i] = 64 + light + hue;
    data[i + 1] = 64 + light;
    data[i + 2] = 66 + light - hue;
    data[i + 3] = 255;
  }
}
