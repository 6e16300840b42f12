import { floorForAll } from '#adapters/policy-files.ts';

/** The floor alone, as an installation without tenants' files has it. */
export const floorContent = floorForAll();
