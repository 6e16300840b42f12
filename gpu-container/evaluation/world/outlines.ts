/**
 * @file Outlines of the objects as signed distances in units of the object's radius: negative inside, y down, exact near the outline.
 *
 * Distances to circles, boxes and half planes, and the least or greatest of several of them (Quilez, "2D distance functions").
 */
import type { Shape } from './scene.ts';

/** Distance of the point (x, y) to an outline. */
export type Outline = (x: number, y: number) => number;

const SECTOR = Math.PI / 5;
const STAR_INNER = 0.46;
const [STAR_NX, STAR_NY] = [STAR_INNER * Math.sin(SECTOR), 1 - STAR_INNER * Math.cos(SECTOR)];
const STAR_EDGE = Math.sqrt(STAR_NX * STAR_NX + STAR_NY * STAR_NY);

/** Math.hypot guards against overflow, which costs ten times as much and cannot happen here. */
const length = (x: number, y: number) => Math.sqrt(x * x + y * y);

/** One of five equal sectors, folded along its middle: the edge from a tip to the inner corner is a line. */
function star(x: number, y: number): number {
  const turned = (Math.atan2(x, -y) + SECTOR) % (2 * SECTOR);
  const folded = Math.abs((turned < 0 ? turned + 2 * SECTOR : turned) - SECTOR);
  const radius = length(x, y);
  return ((radius * Math.cos(folded) - 1) * STAR_NX + radius * Math.sin(folded) * STAR_NY) / STAR_EDGE;
}

/** A tilted square with a circle on each of its two upper sides. */
function heart(x: number, y: number): number {
  const half = 0.62;
  const u = (x + (y - 0.12)) * Math.SQRT1_2;
  const v = (y - 0.12 - x) * Math.SQRT1_2;
  const body = Math.max(Math.abs(u), Math.abs(v)) - half;
  return Math.min(body, Math.min(length(u, v + half), length(u + half, v)) - half);
}

function rounded(x: number, y: number, halfX: number, halfY: number, corner: number): number {
  const qx = Math.abs(x) - (halfX - corner);
  const qy = Math.abs(y) - (halfY - corner);
  return length(Math.max(qx, 0), Math.max(qy, 0)) + Math.min(Math.max(qx, qy), 0) - corner;
}

function boat(x: number, y: number): number {
  const hull = Math.max(Math.abs(y - 0.56) - 0.26, (Math.abs(x) - (0.98 - 0.75 * (y - 0.3))) * 0.8);
  const sail = Math.max(y - 0.32, (Math.abs(x - 0.06) - 0.53 * (y + 0.98)) * 0.884);
  return Math.min(hull, sail);
}

/** A large circle above and a small one below with their common tangents, and the basket. */
function balloon(x: number, y: number): number {
  const [large, small, apart] = [0.68, 0.13, 0.8];
  const px = Math.abs(x);
  const py = -(y - 0.52);
  const b = (small - large) / apart; // measured from the small circle upwards
  const a = Math.sqrt(1 - b * b);
  const k = py * a - px * b;
  const envelope =
    k < 0 ? length(px, py) - small : k > a * apart ? length(px, py - apart) - large : px * a + py * b - small;
  return Math.min(envelope, rounded(x, y - 0.8, 0.2, 0.18, 0.04));
}

/** The car's two wheels, which are tinted. */
export function carWheels(x: number, y: number): number {
  return length(Math.abs(x) - 0.54, y - 0.42) - 0.25;
}

/** The car's window, without the post in its middle. */
export function carWindow(x: number, y: number): number {
  return Math.max(Math.abs(y + 0.2) - 0.19, (Math.abs(x + 0.04) - (0.36 + 0.42 * (y + 0.52))) * 0.91);
}

function car(x: number, y: number): number {
  const body = rounded(x, y - 0.17, 0.99, 0.27, 0.15);
  const cabin = Math.max(Math.abs(y + 0.2) - 0.32, (Math.abs(x + 0.04) - (0.46 + 0.45 * (y + 0.52))) * 0.91);
  return Math.min(body, cabin, carWheels(x, y));
}

/** The outline of every shape. */
export const OUTLINES: Readonly<Record<Shape, Outline>> = {
  ball: (x, y) => length(x, y) - 0.95,
  square: (x, y) => rounded(x, y, 0.8, 0.8, 0.1),
  triangle: (x, y) => Math.max(y - 0.7, Math.abs(x) * 0.894427 - (y - 0.14) * 0.447214 - 0.5),
  star,
  ring: (x, y) => Math.abs(length(x, y) - 0.72) - 0.25,
  heart,
  moon: (x, y) => Math.max(length(x - 0.28, y) - 0.95, 0.74 - length(x - 0.74, y + 0.1)),
  boat,
  balloon,
  car,
};

/** The outline without the tinted part, which may look like the ground, for the shapes that have such a part. */
export const PLAIN_PARTS: Readonly<Partial<Record<Shape, Outline>>> = {
  car: (x, y) => Math.max(car(x, y), -carWheels(x, y)),
  boat: (x, y) => Math.max(boat(x, y), Math.min(0.3 - y, x - 0.1)),
  balloon: (x, y) => Math.max(balloon(x, y), y - 0.63),
};
