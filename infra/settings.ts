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
  return { settings, warnings: checked.warnings };
}
