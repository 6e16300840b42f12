import { describe, expect, test } from 'vitest';
import { readAnswer } from './requests-answers.ts';
import { makeCase } from './requests-case.ts';
import { fuzz } from './requests-run.ts';

const jobs = { completed: `video_${'0'.repeat(25)}1`, queued: `video_${'0'.repeat(25)}2` };

describe('malformed requests', () => {
  test('a few thousand: no 5xx, no hang, no leak, every refusal in the envelope, and the server works afterwards', async () => {
    const report = await fuzz({ requests: 3_000, seed: 20_261_121 });
    expect(report.findings).toEqual([]);
    expect(report.worksAfterwards).toBe(true);
    expect(report.serverMegabytes.most).toBeLessThan(600);
    expect(Object.keys(report.kinds).length).toBeGreaterThan(10);
  });

  test('the same seed and number are the same bytes', () => {
    for (const n of [0, 1, 77, 999_999]) expect(makeCase(3, n, jobs)).toEqual(makeCase(3, n, jobs));
    expect(makeCase(3, 1, jobs)).not.toEqual(makeCase(4, 1, jobs));
  });

  test('the reader of answers knows lengths, chunks, 1xx and HEAD', () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n';
    expect(readAnswer(`${head}ab`, false)).toBeUndefined();
    expect(readAnswer(`${head}abcHTTP`, false)).toMatchObject({ answer: { body: 'abc' }, length: head.length + 3 });
    expect(readAnswer(head, true)).toMatchObject({ answer: { body: '' }, length: head.length });
    expect(readAnswer(`HTTP/1.1 100 Continue\r\n\r\n${head}abc`, false)).toMatchObject({ answer: { status: 200 } });
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n';
    expect(readAnswer(chunked, false)).toMatchObject({ answer: { body: 'abc' }, length: chunked.length });
  });
});
