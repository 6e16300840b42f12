import { expect, test } from 'vitest';
import { openWorld } from './account-world.ts';
import { live } from './conservation.ts';

test('whatever jobs do and wherever processes die, no budget is passed and every micro-dollar is somewhere', async () => {
  const world = openWorld();
  const sum = { held: 0, refused: 0, deaths: 0 };
  for (let seed = 1; seed <= 30; seed++) {
    world.clear();
    const life = await live(world, seed, 40);
    expect(life.wrong).toEqual([]);
    sum.held += life.held;
    sum.refused += life.refused;
    sum.deaths += life.deaths;
  }
  world.close();
  // Else it shows nothing.
  expect(Math.min(sum.held, sum.refused, sum.deaths)).toBeGreaterThan(50);
});
