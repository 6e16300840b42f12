import { describe, expect, test } from 'vitest';
import {
  breakEvenUtilization,
  cloudUsdPerUsefulHour,
  defaultTerms,
  fixedUsdPerHour,
  gpuOffers,
  noExtras,
  ownedUsdPerUsefulHour,
} from '#core/placement/cost.ts';

const never = undefined;

describe('the cost of ownership', () => {
  // The published table: fixed $/h, $/useful h at 60 %, and the break-even in % for phi 1, 1.3, 1.6, 2.5 on demand, 1, 1.3, 1.6 on Spot.
  test.each([
    { name: 'L40S', fixed: 0.96, useful: 1.71, ondemand: [55, 42, 34, 21], spot: [never, 97, 78] },
    { name: 'RTX PRO 6000', fixed: 1.08, useful: 1.99, ondemand: [35, 26, 21, 14], spot: [72, 54, 44] },
    { name: 'H100', fixed: 1.87, useful: 3.42, ondemand: [29, 22, 18, 11], spot: [67, 51, 41] },
    { name: 'H200', fixed: 2.08, useful: 3.77, ondemand: [28, 21, 17, 11], spot: [57, 43, 35] },
  ])('of $name is as published', ({ name, fixed, useful, ondemand, spot }) => {
    const gpu = gpuOffers.find(offer => offer.name === name)!;
    const percents = (price: number, phis: readonly number[]) =>
      phis.map(phi => {
        const share = breakEvenUtilization(gpu, defaultTerms, cloudUsdPerUsefulHour(price, phi, noExtras));
        return share === undefined ? never : Math.round(100 * share);
      });
    expect(fixedUsdPerHour(gpu, defaultTerms)).toBeCloseTo(fixed, 2);
    expect(ownedUsdPerUsefulHour(gpu, defaultTerms, 0.6)).toBeCloseTo(useful, 2);
    expect(percents(gpu.cloudUsdPerHour, [1, 1.3, 1.6, 2.5])).toEqual(ondemand);
    expect(percents(gpu.cloudUsdPerHour * gpu.spotShare, [1, 1.3, 1.6])).toEqual(spot);
  });
});
