/** @file What a clip shows, as the oracle says it and as a prompt asks for it, and how the two are held against one another. */
import type { Background, Camera, Color, Motion, Place, Scene, Shape } from './scene.ts';

/** An object as it was read; 'none' where nothing could be read. */
export interface ThingReading {
  readonly color: Color | 'none';
  readonly shape: Shape | 'none';
  readonly motion: Motion | 'none';
}

/** All that the oracle says of a clip. */
export interface Reading {
  readonly background: Background;
  readonly camera: Camera;
  readonly place: Place;
  /** One, or two with the left or upper one first. */
  readonly things: readonly ThingReading[];
}

/** What is right; an attribute of the objects when it is right for all of them. */
export interface Marks {
  readonly background: boolean;
  readonly camera: boolean;
  readonly place: boolean;
  readonly color: boolean;
  readonly shape: boolean;
  readonly motion: boolean;
  readonly all: boolean;
}

/** What a scene asks for: the reading of a perfect clip of it. */
export function readingOf({ background, camera, place, things }: Scene): Reading {
  return { background, camera, place, things: things.map(({ color, shape, motion }) => ({ color, shape, motion })) };
}

/** What of `got` is as wanted. With another number of objects than wanted nothing of the objects is right. */
export function compareReading(want: Reading, got: Reading): Marks {
  const same = want.things.length === got.things.length;
  const each = (key: keyof ThingReading) => same && want.things.every((thing, i) => thing[key] === got.things[i]![key]);
  const marks = {
    background: want.background === got.background,
    camera: want.camera === got.camera,
    place: want.place === got.place,
    color: each('color'),
    shape: each('shape'),
    motion: each('motion'),
  };
  return { ...marks, all: Object.values(marks).every(Boolean) };
}

/** How many of the wanted objects are right in color, shape and motion together. */
export function rightThings(want: Reading, got: Reading): number {
  if (want.things.length !== got.things.length) return 0;
  const isRight = (thing: ThingReading, other: ThingReading) =>
    thing.color === other.color && thing.shape === other.shape && thing.motion === other.motion;
  return want.things.filter((thing, i) => isRight(thing, got.things[i]!)).length;
}
