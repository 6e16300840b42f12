import { createPublicKey, sign as signBytes, verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '#core/limits.ts';
import { demux } from '#gpu-container/media/demux.ts';
import { issueLeaf, makeAuthority } from '#gpu-container/provenance/c2pa/authority.ts';
import { type C2paLibrary, openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4, verifySelf } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { createSigner } from '#gpu-container/provenance/c2pa/signer.ts';
import { endlessCbor, withCbor, withStore } from './hostile.ts';
import { box, claim, type Installation, newInstallation, smallClip, topBoxes } from './sample.ts';

const library = openLibrary();
let ours: Installation;
let clip: Uint8Array;
let signed: Uint8Array;
beforeAll(async () => {
  ours = await newInstallation();
  clip = await smallClip();
  signed = await signMp4(clip, claim, ours.signer, library);
});
afterAll(() => library.close());
const read = (file: Uint8Array | string, trustRoots = ours.trustRoots) => readMp4(file, { trustRoots, library });

describe('a signed video', () => {
  test('says who made it, how, with which model and for which job, and nothing of the prompt', async () => {
    const finding = await verifySelf(signed, { jobId: claim.job.id, trustRoots: ours.trustRoots, library });
    expect(finding).toMatchObject({
      state: 'valid',
      claim: {
        generator: 'Reelay 0.1.0',
        digitalSourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
        job: claim.job,
        disclosure: {
          modelType: 'c2pa.types.model.onnx',
          modelName: 'reelay-mini',
          humanOversightLevel: 'prompt_guided',
        },
        signer: { organization: 'Reelay installation', commonName: 'C2PA claim signer' },
        claimedAt: '2026-11-21T00:00:00.000Z',
        stampedAt: null,
        ingredients: [],
      },
    });
    expect(finding.claim?.manifestId).toMatch(/^urn:c2pa:[0-9a-f-]{36}$/);
    const leaf = new X509Certificate(ours.authority.leaf.certificate);
    expect(finding.claim?.signer?.serial).toBe(leaf.serialNumber.toLowerCase());
  });

  test('names its watermark as unbound, and none where there is none', async () => {
    const actions = async (file: Uint8Array) => (await read(file)).claim?.actions.map(one => one.action);
    expect(await actions(signed)).toEqual(['c2pa.created', 'c2pa.watermarked.unbound']);
    const bare = await signMp4(clip, { ...claim, watermarked: false }, ours.signer, library);
    expect(await actions(bare)).toEqual(['c2pa.created']);
  });

  test('is valid but untrusted for whoever does not know our root, and for whoever trusts another one', async () => {
    const stranger = await newInstallation({ organization: 'Somebody else' });
    expect(await readMp4(signed, { library })).toMatchObject({ state: 'valid_untrusted' });
    const other = await read(signed, stranger.trustRoots);
    expect(other.state).toBe('valid_untrusted');
    expect(other.reasons[0]).toMatch(/no root that was given vouches/);
    expect((await read(signed, `${stranger.trustRoots}\n${ours.trustRoots}`)).state).toBe('valid');
    await expect(verifySelf(signed, { jobId: claim.job.id, trustRoots: stranger.trustRoots, library })).rejects.toThrow(
      /does not hold \(valid_untrusted\)/,
    );
  });

  test('still starts at once in a player, with the same frames', async () => {
    expect(topBoxes(signed).map(box => box.type)).toEqual(['ftyp', 'uuid', 'moov', 'mdat']);
    const [before, after] = [await demux(clip), await demux(signed)];
    expect(after).toEqual(before);
    expect(clip).toEqual(await smallClip());
  });

  test('reads the same from a path as from memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reelay-c2pa-'));
    try {
      const path = join(folder, 'signed.mp4');
      writeFileSync(path, signed);
      expect(await read(path)).toEqual(await read(signed));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('is not taken for that of another job', async () => {
    await expect(verifySelf(signed, { jobId: 'video_other', trustRoots: ours.trustRoots, library })).rejects.toThrow(
      `names job ${claim.job.id} instead of video_other`,
    );
  });
});

describe('what a video was made from', () => {
  test('is named with its own manifest and what its validation said, and a format that is not looked into by name only', async () => {
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const references = [
      { bytes: signed, mimeType: 'video/mp4' },
      { bytes: png, mimeType: 'image/png' },
      { bytes: new Uint8Array(9), mimeType: 'video/webm' },
    ];
    const finding = await read(await signMp4(clip, { ...claim, references }, ours.signer, library));
    expect(finding.state).toBe('valid');
    expect(finding.claim?.ingredients).toMatchObject([
      {
        title: 'reference-1',
        relationship: 'inputTo',
        manifestId: (await read(signed)).claim!.manifestId,
        // Who signs does not vouch for others: at that time no root was given.
        failures: ['signingCredential.untrusted'],
      },
      { title: 'reference-2', relationship: 'inputTo', format: 'image/png', manifestId: null, failures: [] },
      { title: 'reference-3', relationship: 'inputTo', format: 'video/webm', manifestId: null, failures: [] },
    ]);
  });

  test('keeps saying that a reference had been altered', async () => {
    const altered = signed.slice();
    altered[altered.length - 5]! ^= 1;
    const references = [{ bytes: altered, mimeType: 'video/mp4' }];
    const finding = await read(await signMp4(clip, { ...claim, references }, ours.signer, library));
    expect(finding.claim?.ingredients[0]?.failures).toContain('assertion.bmffHash.mismatch');
    expect(finding.claim?.job?.id).toBe(claim.job.id);
  });

  test('is named with a note when its marks cannot be read, which keeps no video from being signed', async () => {
    const [first, second, third] = topBoxes(signed);
    const store = signed.subarray(second!.at + 45, third!.at);
    const broken = withCbor(store, 'c2pa.claim.v2', endlessCbor);
    const references = [
      { bytes: withStore(signed.subarray(0, first!.size), broken, signed.subarray(third!.at)), mimeType: 'video/mp4' },
      { bytes: new Uint8Array(100), mimeType: 'image/png' },
    ];
    const finding = await read(await signMp4(clip, { ...claim, references }, ours.signer, library));
    expect(finding.state).toBe('valid');
    const note = 'Its C2PA data or its format could not be read, so no marks of it are kept.';
    expect(finding.claim?.ingredients).toMatchObject([
      { title: 'reference-1', manifestId: null, note },
      { title: 'reference-2', manifestId: null, note },
    ]);
    const parent = { bytes: new Uint8Array(9), mimeType: 'video/webm' };
    const edit = await read(await signMp4(clip, { ...claim, parent }, ours.signer, library));
    expect(edit.state).toBe('valid');
    expect(edit.claim?.ingredients).toMatchObject([{ title: 'parent', relationship: 'parentOf', manifestId: null }]);
  });

  test('is named without being looked into when the library is not done with it in time, and the video is signed all the same', async () => {
    const crowd = Buffer.concat([clip, ...Array.from({ length: 60_000 }, () => box('free', new Uint8Array()))]);
    const hurried: C2paLibrary = {
      ...library,
      ask: (task, seconds, sign) => library.ask(task, 'ingredients' in task && looksInto(task) ? 0.3 : seconds, sign),
    };
    const looksInto = ({ ingredients }: { ingredients: readonly { bytes: unknown }[] }) =>
      ingredients.some(({ bytes }) => bytes !== null);
    const parent = { bytes: crowd, mimeType: 'video/mp4' };
    const finding = await read(await signMp4(clip, { ...claim, parent }, ours.signer, hurried));
    expect(finding.state).toBe('valid');
    expect(finding.claim?.ingredients).toMatchObject([
      { title: 'parent', manifestId: null, note: expect.stringContaining('no marks of it are kept') },
    ]);
  });

  test('is the parent of an edit, which was opened and edited instead of created', async () => {
    const parent = { bytes: signed, mimeType: 'video/mp4' };
    const finding = await read(await signMp4(clip, { ...claim, parent }, ours.signer, library));
    expect(finding.state).toBe('valid');
    expect(finding.claim?.actions.map(one => one.action)).toEqual([
      'c2pa.opened',
      'c2pa.edited',
      'c2pa.watermarked.unbound',
    ]);
    expect(finding.claim?.digitalSourceType).toMatch(/trainedAlgorithmicMedia$/);
    expect(finding.claim?.ingredients).toMatchObject([{ title: 'parent', relationship: 'parentOf' }]);
  });
});

describe('a file to sign', () => {
  test('is refused in a sentence when it is no whole MP4 with its index in front, is signed already or too large', async () => {
    const fails = (file: Uint8Array) => expect(signMp4(file, claim, ours.signer, library)).rejects;
    const [ftyp, moov, mdat] = topBoxes(clip).map(({ at, size }) => clip.subarray(at, at + size));
    await fails(new Uint8Array(0)).toThrow('is no MP4 file');
    await fails(clip.subarray(0, clip.length - 1)).toThrow('cut off');
    await fails(new Uint8Array(Buffer.concat([ftyp!, mdat!, moov!]))).toThrow('index behind its data');
    await fails(signed).toThrow('C2PA data already');
    const large = new Uint8Array(limits.c2paFileBytes + 1);
    const began = performance.now();
    await fails(large).toThrow(`allowed are ${limits.c2paFileBytes}`);
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe('a signer', () => {
  test('may have its key elsewhere, which gives DER, and what keeps it from signing is thrown', async () => {
    const { certificate: certificates, key } = ours.authority.leaf;
    const der = createSigner({ certificates, key: async bytes => signBytes('sha256', bytes, key) });
    for (let i = 0; i < 4; i++) {
      const file = await signMp4(clip, claim, der, library);
      expect((await read(file)).state).toBe('valid');
    }
    const gone = createSigner({ certificates, key: () => Promise.reject(new Error('the key service is away')) });
    await expect(signMp4(clip, claim, gone, library)).rejects.toThrow('the key service is away');
    const odd = createSigner({ certificates, key: async () => new Uint8Array(10) });
    await expect(signMp4(clip, claim, odd, library)).rejects.toThrow('no ECDSA P-256 signature');
    expect((await read(signed)).state).toBe('valid');
  });

  test('may take longer to sign than the library is given, and is an outage where it never answers', async () => {
    const { certificate: certificates, key } = ours.authority.leaf;
    const slow = createSigner({
      certificates,
      key: async bytes => {
        await sleep(1_700);
        return signBytes('sha256', bytes, key);
      },
    });
    const hurried: C2paLibrary = { ...library, ask: (task, _, sign) => library.ask(task, 1.5, sign) };
    expect((await read(await signMp4(clip, claim, slow, hurried))).state).toBe('valid');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const asked = Promise.withResolvers<void>();
    const never = createSigner({ certificates, key: () => new Promise(() => asked.resolve()) });
    const signing = expect(signMp4(clip, claim, never, library)).rejects.toMatchObject({ code: 'store_unavailable' });
    await asked.promise;
    vi.advanceTimersByTime(limits.signatureSeconds * 1000);
    await signing;
  });

  test('that signs with another key than its certificate gives a file that fails its own verification', async () => {
    const other = await makeAuthority();
    const wrong = createSigner({
      certificates: ours.authority.leaf.certificate,
      key: async bytes => signBytes('sha256', bytes, other.leaf.key),
    });
    const file = await signMp4(clip, claim, wrong, library);
    await expect(verifySelf(file, { jobId: claim.job.id, library })).rejects.toThrow('signature does not match');
  });

  test('is refused at once with a certificate or key that would make every file invalid', async () => {
    const { root, leaf } = ours.authority;
    const make = (certificates: string, key: string, nowMs = Date.now()) => createSigner({ certificates, key, nowMs });
    expect(() => make('', leaf.key)).toThrow('no certificate');
    expect(() => make(root.certificate, root.key)).toThrow('may issue certificates');
    expect(() => make(leaf.certificate, root.key)).toThrow('not that of the leaf certificate');
    expect(() => make(leaf.certificate, 'secret')).toThrow('cannot be read');
    expect(() => make(leaf.certificate, leaf.key, Date.UTC(2090, 0))).toThrow('ended at');
    expect(() => make(leaf.certificate, leaf.key, 0)).toThrow('to come');
    expect(() => make(`${leaf.certificate}\n${leaf.certificate}`, leaf.key)).toThrow('did not issue');
    expect(make(`${leaf.certificate}\n${root.certificate}`, leaf.key).chain.length).toBe(1);
    try {
      make(leaf.certificate, 'secret');
    } catch (error) {
      expect(String(error)).not.toContain('secret');
    }
  });

  test('whose certificate has ended leaves files that are invalid without a time stamp', async () => {
    const then = Date.UTC(2010, 0);
    const old = await newInstallation({ nowMs: then });
    const finding = await read(await signMp4(clip, claim, old.signer, library), old.trustRoots);
    expect(finding.state).toBe('invalid');
    expect(finding.reasons[0]).toMatch(/no longer valid/);
  });
});

describe('an authority', () => {
  test('is a root that signs no videos and a leaf that issues nothing, with serials of their own', async () => {
    const { root, leaf } = ours.authority;
    const [above, below] = [new X509Certificate(root.certificate), new X509Certificate(leaf.certificate)];
    expect([above.ca, below.ca]).toEqual([true, false]);
    expect(below.checkIssued(above) && below.verify(above.publicKey)).toBe(true);
    expect(below.keyUsage).toEqual(['1.3.6.1.4.1.62558.2.1', '1.3.6.1.5.5.7.3.4']);
    expect(above.keyUsage).toBeUndefined();
    expect(above.serialNumber).not.toBe(below.serialNumber);
    const years = (one: X509Certificate) => (one.validToDate.getTime() - one.validFromDate.getTime()) / 31_557_600_000;
    expect([years(above), years(below)].map(Math.round)).toEqual([25, 10]);
    const signature = signBytes('sha256', clip, leaf.key);
    expect(verify('sha256', clip, createPublicKey(leaf.certificate), signature)).toBe(true);
  });

  test('issues another leaf of the same root, and none with a root key that is not its own', async () => {
    const next = await issueLeaf(ours.authority.root);
    const signer = createSigner({ certificates: next.certificate, key: next.key });
    expect((await read(await signMp4(clip, claim, signer, library))).state).toBe('valid');
    const other = await makeAuthority();
    const mixed = { certificate: ours.authority.root.certificate, key: other.root.key };
    await expect(issueLeaf(mixed)).rejects.toThrow('do not belong together');
  });
});
