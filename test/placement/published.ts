/** The table that shared/design/SCALE.md section 5 publishes: GPU-hours of each peer's best setting, and of horizon. NaN: none met it. */
export interface PublishedCell {
  readonly trace: string;
  readonly target: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly horizon: number;
  readonly p95: number;
  readonly overBest: number;
  readonly overClairvoyant: number;
}

const peerNames = ['count', 'keda', 'ray', 'keep-warm', 'sagemaker', 'ecs-tt'];
const none = Number.NaN;

function cell(trace: string, target: number, peers: readonly number[], rest: readonly number[]): PublishedCell {
  const [horizon, p95, overBest, overClairvoyant] = rest as readonly [number, number, number, number];
  const byName = Object.fromEntries(peerNames.map((name, i) => [name, peers[i]!]));
  return { trace, target, peers: byName, horizon, p95, overBest, overClairvoyant };
}

export const published: readonly PublishedCell[] = [
  cell('S', 180, [329, 321, 336, 682, 880, 2709], [303.9, 179, 0.95, 1.09]),
  cell('S', 300, [281, 296, 299, 682, 735, 1492], [274.9, 298, 0.98, 1.04]),
  cell('S', 600, [277, 296, 299, 682, 507, 647], [250.1, 593, 0.9, 1.01]),
  cell('B', 180, [135, 137, 147, 145, none, none], [108.6, 184, 0.81, 1.12]),
  cell('B', 300, [103, 107, 117, 145, 561, 791], [97.9, 298, 0.95, 1.05]),
  cell('B', 600, [96, 100, 106, 145, 166, 285], [89.4, 588, 0.94, 1.02]),
  cell('C', 180, [79, 395, 403, 82, none, none], [70.7, 188, 0.91, 1.25]),
  cell('C', 300, [62, 67, 74, 82, none, none], [59.5, 293, 0.95, 1.13]),
  cell('C', 600, [52, 57, 63, 82, 336, 284], [50.9, 574, 0.98, 1.06]),
];

/** Cloud dollars of horizon at D = 300 on demand next to one and two owned servers, a third of the jobs sovereign. */
export const publishedHybrid: readonly { readonly trace: string; readonly dollars: readonly [number, number] }[] = [
  { trace: 'S', dollars: [77.9, 9.8] },
  { trace: 'B', dollars: [71.9, 52.4] },
  { trace: 'C', dollars: [63.2, 59.5] },
];
