/**
 * @file The words of the bundled model's world: what a clip of it shows, as plain data.
 *
 * Coordinates are 0..1 over the frame, x to the right and y down; sizes are fractions of the width. The recipe that draws the training
 * clips from the same tables is exporter/train/scenes/world.py.
 */

/** Frames of a clip of this world. */
export const FRAMES = 25;
/** Frames per second. */
export const FPS = 8;

/** Red, green and blue, 0..255 in the tables below. */
export type Rgb = readonly [number, number, number];

/** The objects' colors. */
export const COLORS = {
  red: [222, 44, 48],
  orange: [246, 136, 28],
  yellow: [250, 220, 52],
  green: [46, 184, 84],
  blue: [46, 104, 240],
  purple: [146, 64, 206],
  pink: [246, 128, 196],
  white: [246, 246, 246],
} as const satisfies Record<string, Rgb>;

/** Grounds without a scene. */
export const PLAIN_GROUNDS = {
  black: [16, 16, 20],
  'dark blue': [16, 28, 92],
  'dark green': [10, 66, 42],
  'dark red': [90, 14, 28],
  gray: [124, 128, 136],
  'light blue': [164, 212, 242],
  white: [240, 240, 240],
  cream: [236, 214, 166],
} as const satisfies Record<string, Rgb>;

/** Grounds that are scenes, each in some layouts. */
export const SCENERIES = ['sky', 'sea', 'meadow', 'night', 'city', 'desert', 'snow'] as const;
/** The objects' outlines. */
export const SHAPES = [
  'ball',
  'square',
  'triangle',
  'star',
  'ring',
  'heart',
  'moon',
  'boat',
  'balloon',
  'car',
] as const;
/** What an object does. */
export const MOTIONS = ['right', 'left', 'up', 'down', 'bounce', 'orbit', 'grow', 'shrink', 'spin', 'still'] as const;
/** What the camera does. */
export const CAMERAS = ['static', 'pan right', 'pan left', 'zoom in', 'zoom out'] as const;
/** One object; two, the first left of the second; two, the first above the second. */
export const PLACES = ['single', 'beside', 'stacked'] as const;
/** Radius of a medium-sized object that is alone, and its neighbours. */
export const SIZES = { small: 0.17, medium: 0.205, large: 0.24 } as const;
/** Layouts of clouds, hills and houses that every scenery has. */
export const LAYOUTS = 4;

/** A name of COLORS. */
export type Color = keyof typeof COLORS;
/** A name of PLAIN_GROUNDS. */
export type PlainGround = keyof typeof PLAIN_GROUNDS;
/** A name of SCENERIES. */
export type Scenery = (typeof SCENERIES)[number];
/** What lies behind the objects. */
export type Background = PlainGround | Scenery;
/** A name of SHAPES. */
export type Shape = (typeof SHAPES)[number];
/** A name of MOTIONS. */
export type Motion = (typeof MOTIONS)[number];
/** A name of CAMERAS. */
export type Camera = (typeof CAMERAS)[number];
/** A name of PLACES. */
export type Place = (typeof PLACES)[number];
/** A name of SIZES. */
export type Size = keyof typeof SIZES;

/** Plain grounds first, as the recipe numbers them. */
export const BACKGROUNDS: readonly Background[] = [...(Object.keys(PLAIN_GROUNDS) as PlainGround[]), ...SCENERIES];

/** One object. */
export interface Thing {
  readonly color: Color;
  readonly shape: Shape;
  readonly motion: Motion;
  readonly size: Size;
  /** What makes two clips of one caption differ: dx, dy, scale, travel and phase, each -1..1. */
  readonly jitter: readonly [number, number, number, number, number];
}

/** What a clip shows: everything that is needed to draw it. */
export interface Scene {
  /** One, or two with the left or upper one first. */
  readonly things: readonly Thing[];
  readonly place: Place;
  readonly background: Background;
  /** A plain ground that is lighter above and darker below. */
  readonly gradient: boolean;
  readonly camera: Camera;
  /** 0..LAYOUTS-1. */
  readonly layout: number;
  /** How far the scenery lies to the left of where it is drawn first, -0.12..0.12 of the width. */
  readonly shift: number;
}

/** Whether a background is a single color or two. */
export function isPlain(background: Background): background is PlainGround {
  return background in PLAIN_GROUNDS;
}

/** Whether objects throw a shadow: on plain grounds, and where a scenery has a floor. */
export function hasFloor(background: Background): boolean {
  return background !== 'sky' && background !== 'night';
}
