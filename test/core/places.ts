import { builtInResidency } from '#core/policy/residency.ts';
import { localPlace } from '#local/local-ports.ts';

/** One machine on the premises that serves every class that there is without settings. */
export const ownPlace = { place: localPlace, classes: builtInResidency, servedPlaces: [localPlace] };
