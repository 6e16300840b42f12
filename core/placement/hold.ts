import { binMiddles, binOf } from './horizon.ts';
import type { PlacementState, Rank } from './types.ts';
import type { FleetView } from './view.ts';

/**
 * Whether the k-th server is worth its idle time: ski rental with a learned hazard (Lin et al., dynamic right-sizing). Without data
 * that comes to a hold of 60 s.
 */
function isHeld(rank: Rank, view: FleetView, state: PlacementState): boolean {
  const { now, cold } = view;
  if (rank.freeAt > now) return true;
  const b = binOf(now - rank.freeAt);
  const hazard = (rank.events[b]! + 1) / (rank.exposure[b]! + binMiddles[b]! + cold / 2);
  const lateShare = view.coldQuantiles.filter(q => q > view.target).length / view.coldQuantiles.length;
  const lateJobs = (lateShare * (rank.hits + 1)) / (rank.spells + 1);
  return hazard * (cold + state.lambda * lateJobs) >= 1;
}

/** Cloud servers to keep. Ranks below the owned servers are those; past an unheld rank well above the fleet none is looked at. */
export function heldServers(view: FleetView, state: PlacementState): number {
  const owned = view.owned.length;
  let held = 0;
  for (let k = 0; k < view.max; k++) {
    const rank = state.ranks[owned + k];
    if (rank === undefined) break;
    if (isHeld(rank, view, state)) held++;
    else if (k > view.live + 2) break;
  }
  return held;
}
