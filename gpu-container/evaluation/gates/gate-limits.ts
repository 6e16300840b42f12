/** How strictly clips are held to goldens. */
export const GATES = ['L0', 'L1', 'L2'] as const;
/** One of them. */
export type Gate = (typeof GATES)[number];

/** Numbers of the gates. */
export const gateLimits = {
  /** L1, each step: another build or number of threads sums in another order, which moves last places and no more. */
  l1Cosine: 0.9999,
  l1MaxAbs: 1e-3,
  /** L2, the last step: another precision or provider may end elsewhere in detail; few-step models more so. */
  l2Cosine: 0.99,
  /** dB and SSIM that no eye tells from equal at normal speed. */
  l2Psnr: 30,
  l2Ssim: 0.95,
  /** Standard deviations of the golden's own seeds. */
  driftSigmas: 3,
  /** Seeds a prompt for the spread: fewer give no deviation to speak of, more cost their time each. */
  driftSeeds: 4,
  /** A figure that hardly varies from seed to seed (what all clips have in common) may still move by this share of itself. */
  driftFloor: 0.005,
} as const;
