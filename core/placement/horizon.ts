/** The constants of the policy `horizon`. Any one of them changed moves cost by 1.5 % at most (geometric mean of the traces). */

/** Servers of the virtual fleet whose idle times are learned; the last takes all that is left. */
export const rankCount = 48;

/** Edges of the idle ages that are told apart, in seconds; the last bin is open. */
export const binEdges: readonly number[] = [0, 15, 30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720];

/** The middle of each bin; of the open one a number large enough that nothing is held that long. */
export const binMiddles: readonly number[] = binEdges.map((edge, b) => {
  const next = binEdges[b + 1];
  return next === undefined ? 60_000 : (edge + next) / 2;
});

/** What is learned fades over a week, so that a change of habits is followed. */
export const forgettingDays = 7;
/** And it fades once a day. */
export const secondsPerDay = 86_400;

/** The share of late jobs that a 95th percentile allows. */
export const lateBudget = 0.05;
/** How fast the price of a late job follows that share. */
export const lateGain = 0.03;
/** The price is in [1, 3 C]: without a bound it chases targets that no fleet can reach. */
export const lambdaFloor = 1;
/** The upper bound of that price, in mean cold starts. */
export const lambdaCeilingColds = 3;

/** Arrivals remembered to estimate the rate. */
export const arrivalsKept = 200;
/** The estimate of a mean job before there is one. */
export const firstServiceSeconds = 60;
/** How fast the estimate of a mean job follows those that arrive. */
export const serviceGain = 0.02;

/** Looked at again after this long while anything waits or is up. */
export const wakeSeconds = 10;
/** And after this long while nothing does: what is learned must not grow stale. */
export const restSeconds = 3_600;

/** A Spot pool that refused is not asked again for this long. */
export const refusalSeconds = 300;

/** The hard wait: no job starves inside the late budget. */
export function hardWait(target: number, cold: number): number {
  return Math.max(2 * target, target + 2 * cold);
}

/** The bin of an idle age. */
export function binOf(age: number): number {
  let b = binEdges.length - 1;
  while (b > 0 && age < binEdges[b]!) b--;
  return b;
}
