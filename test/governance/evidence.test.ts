import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { evidenceMap, evidenceMarkdown, exportedFiles } from '#core/governance/evidence-map.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the evidence map', () => {
  test('names only files that exist, and every file of an export is evidence for something', () => {
    const named = evidenceMap.flatMap(row => row.evidence);
    expect([...new Set(named)].filter(path => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(new Set(evidenceMap.flatMap(row => row.exported))).toEqual(new Set(exportedFiles));
  });

  test('has each heading once, all twelve risks of NIST AI 600-1, and admits what no software shows', () => {
    const headings = evidenceMap.map(row => `${row.framework} ${row.heading}`);
    expect(new Set(headings).size).toBe(headings.length);
    expect(evidenceMap.filter(row => row.framework === 'NIST AI 600-1').map(row => row.heading)).toEqual(
      Array.from({ length: 12 }, (_, i) => `2.${i + 1}`),
    );
    const theirs = evidenceMap.filter(row => row.evidence.length === 0);
    expect(theirs.length).toBeGreaterThan(10);
    expect(theirs.every(row => row.exported.length === 0)).toBe(true);
    const text = evidenceMarkdown(evidenceMap);
    expect(text.match(/yours to show/g)).toHaveLength(theirs.length);
    expect(text.match(/^## /gm)).toHaveLength(3);
  });
});
