/** A setting that cannot be: `message` has one sentence a line, each naming its setting. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}
