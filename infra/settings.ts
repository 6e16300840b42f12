import { checkSettings } from './settings-checks.ts';
import { defaultSettings } from './settings-defaults.ts';
import { SettingsError } from './settings-error.ts';
import { readFields } from './settings-fields.ts';
import type { CheckedSettings } from './settings-types.ts';

/**
 * The settings of a stage. `document` is what a settings file holds: an object from stage to what differs from the defaults, where
 * `"*"` stands for every stage. Throws SettingsError with a sentence for each setting that is impossible.
 */
export function settingsFor(stage: string, document: unknown = {}): CheckedSettings {
  const { settings, problems } = readFields(stage, document, { ...defaultSettings, stage });
  if (problems.length > 0) throw new SettingsError(problems.join('\n'));
  const checked = checkSettings(settings);
  if (checked.problems.length > 0) throw new SettingsError(checked.problems.join('\n'));
  return { settings, warnings: [...strangeStage(stage, document as object), ...checked.warnings] };
}

/** A slip in a stage's name would deploy the defaults in its place; the usual stage needs no part of its own. */
function strangeStage(stage: string, document: object): readonly string[] {
  const parts = Object.keys(document);
  if (parts.length === 0 || parts.includes(stage) || (stage === 'dev' && parts.includes('*'))) return [];
  return [`stage: the settings have no part "${stage}", only ${parts.join(', ')}.`];
}
