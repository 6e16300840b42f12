import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { requestFieldNames } from '#core/request-fields.ts';
import { toVideo, toVideoModel } from '#functions/wire.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { ALL_TASKS } from '#test/core/model-card.ts';

const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
/** What stands in code spans of a chapter, word by word. */
const wordsIn = (...titles: string[]) => {
  const chapters = text.split(/^## /m).filter(chapter => titles.includes(chapter.split('\n')[0]!));
  expect(chapters).toHaveLength(titles.length);
  return new Set(
    chapters.flatMap(chapter => chapter.match(/`[^`]+`/g) ?? []).flatMap(span => span.match(/\w+/g) ?? []),
  );
};
const missing = (names: readonly string[], words: ReadonlySet<string>) => names.filter(name => !words.has(name));

describe('docs/api.md names', () => {
  test('every field that a request may have', () => {
    expect(missing(requestFieldNames, wordsIn('Request', 'Starting from an image or a video', 'Terms'))).toEqual([]);
  });
  test('every field of a Video', () => {
    expect(missing(Object.keys(toVideo(makeJob())), wordsIn('Video'))).toEqual([]);
  });
  test('everything that is said of a model', () => {
    expect(missing(Object.keys(toVideoModel(ALL_TASKS)), wordsIn('Models'))).toEqual([]);
  });
});
