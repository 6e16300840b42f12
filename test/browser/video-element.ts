/** @file Looks at a video element. These functions run in the page, each on its own, and this program knows no DOM. */

interface VideoElement {
  readonly readyState: number;
  readonly currentTime: number;
  readonly videoWidth: number;
  readonly paused: boolean;
  readonly error: unknown;
  readonly ownerDocument: { createElement(name: 'canvas'): Canvas };
}
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): {
    drawImage(image: unknown, x: number, y: number, width: number, height: number): void;
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
}

/** How far the element is, and whether it plays. */
export function state(element: unknown) {
  const video = element as VideoElement;
  const { readyState: ready, currentTime: at, videoWidth: width, paused, error } = video;
  return { ready, at, width, paused, error };
}

/** Largest less smallest value over the three colors of the frame shown, 0 to 255. */
export function spread(element: unknown): number {
  const video = element as VideoElement;
  const canvas = video.ownerDocument.createElement('canvas');
  canvas.width = canvas.height = 64;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 64, 64);
  const { data } = context.getImageData(0, 0, 64, 64);
  const spreads = [0, 1, 2].map(color => {
    const values = data.filter((_, i) => i % 4 === color);
    return Math.max(...values) - Math.min(...values);
  });
  return Math.max(...spreads);
}
