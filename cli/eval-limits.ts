/** Numbers of `reelay eval`. */
export const evalLimits = {
  /** Prompts of one run: at 0.3 s a clip that is five minutes, at a minute a clip most of a day. */
  maxPrompts: 1_000,
  /** Of a file of prompts: a thousand long ones with what is wanted. */
  maxPromptsBytes: 4_194_304,
  /** Prompts of a golden folder unless said otherwise: each keeps the latent of every step and all frames. */
  goldenPrompts: 4,
  /** And at most: their folder is meant to be kept under version control. */
  maxGoldenPrompts: 32,
  /** Sets of one golden folder, held by one command: a few presets for each of three tasks. */
  maxGoldenSets: 16,
  /** Seeds a prompt that golden.json may ask for: more is no spread, but a slip of the pen that renders for days. */
  maxGoldenSeeds: 64,
  /** Of a line that says why goldens were replaced. */
  maxReasonChars: 500,
  /** Drawn clips that go through the model's own encoder and decoder, each as dear as half a clip: their mean tells what more would. */
  recodedClips: 16,
  /** Frames of a clip that a sheet shows, and their width in pixels. */
  sheetColumns: 8,
  sheetCellWidth: 128,
  /** A page of more clips opens slowly; the worst are shown. */
  maxShownClips: 128,
  /** How long a server's video is waited for, and how often it is asked. */
  serverSeconds: 600,
  serverPollMs: 250,
  /** How often a server that is busy (429, 503) is asked again, and the longest wait between two tries that it may ask for. */
  serverTries: 6,
  serverWaitSeconds: 60,
} as const;
