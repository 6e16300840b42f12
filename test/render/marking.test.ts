import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { decodeMp4 } from '#test/media/decode-mp4.ts';
import { newInstallation } from '#test/provenance/c2pa/sample.ts';
import { markingKeys, testMarking } from '#test/worker/marks-for.ts';
import { MINI, REQUEST, type RenderChild, startChild } from './child.ts';

describe('the last stage of a render', () => {
  let child: RenderChild;
  beforeAll(async () => {
    child = startChild();
    await child.heard('ready');
  });
  afterAll(async () => {
    child.process.kill('SIGKILL');
    await child.exited;
  });

  test('leaves a file that any reader calls unaltered and ours, of its job, and that says nothing of the prompt', async () => {
    await child.render('one');
    const { files, marked } = await child.heard('done', 'one');
    const file = await readFile(files.video.path);
    const { state, claim } = await readMp4(file, { trustRoots: markingKeys.trustRoots });
    expect(state).toBe('valid');
    expect(claim).toMatchObject({
      manifestId: marked.manifestId,
      generator: 'Reelay 0.0.0',
      digitalSourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
      job: { id: testMarking.jobId, model: 'reelay-mini', requestHmac: testMarking.requestHmac },
      disclosure: { modelName: 'reelay-mini' },
      claimedAt: new Date(testMarking.createdAtMs).toISOString(),
    });
    expect(claim!.actions.map(({ action }) => action)).toEqual(['c2pa.created', 'c2pa.watermarked.unbound']);
    expect(file.includes(REQUEST.prompt)).toBe(false);
    expect(marked).toMatchObject({ strength: 'reduced', size: REQUEST.size });
    expect(marked.pictureHashes).toHaveLength(3);
  });

  test('leaves the job’s 58 bits in every frame', async () => {
    await child.render('bits');
    const { files } = await child.heard('done', 'bits');
    const { frames, width, height } = await decodeMp4(await readFile(files.video.path));
    for (const frame of [frames[0]!, frames[9]!]) {
      const detector = openDetector(markingKeys.stream, { width, height });
      detector.add(frame);
      expect(detector.read().map(({ message }) => message)).toContainEqual(testMarking.message);
    }
  });

  test('fails the job and leaves no file where the finished one does not hold for our root', async () => {
    const { trustRoots } = await newInstallation();
    const folder = await child.render('foreign', {}, { marking: { ...testMarking, trustRoots } });
    expect(await child.heard('failed', 'foreign')).toMatchObject({
      code: 'marking_failed',
      retryable: false,
      message: expect.stringContaining('does not hold (valid_untrusted)'),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('waits for the key as for a store that is out: without a signature there is no file', async () => {
    const mute = startChild(MINI, 1, async () => null);
    await mute.heard('ready');
    const folder = await mute.render('unsigned');
    expect(await mute.heard('failed', 'unsigned')).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(await readdir(folder)).toEqual([]);
    mute.process.disconnect();
    await mute.exited;
  });
});
