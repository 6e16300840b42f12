/** From dropped files to the requests they make: reads each pinned version, and the files that a request names. */
import { invalidRequest, type Problem, ReelayError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { DropContent, DropFolder, DropSource } from './drop-folder.ts';
import { dropLimits } from './drop-limits.ts';
import { type DropUnit, skipReason } from './group.ts';
import { escapeName, kindOfName } from './names.ts';
import {
  atLine,
  type DropRequest,
  isOwnPaper,
  namedFiles,
  type ReadFile,
  refused,
  requestsOf,
  unknownKind,
  withFile,
} from './requests.ts';

/** A source with its bytes; those of a file that was not read are missing. */
export interface Member<S extends DropSource> {
  readonly source: S;
  readonly content: DropContent | undefined;
}

/** What reading a unit gave. */
export type Gathered<S extends DropSource> =
  | { readonly state: 'requests'; readonly members: readonly Member<S>[]; readonly requests: readonly DropRequest[] }
  | { readonly state: 'refused'; readonly members: readonly Member<S>[]; readonly error: ReelayError }
  | { readonly state: 'skipped'; readonly members: readonly Member<S>[]; readonly reason: string }
  /** Not yet: somebody looks again. */
  | { readonly state: 'waiting'; readonly reason: string };

interface GatherPorts<S extends DropSource> {
  readonly folder: DropFolder<S>;
  /** Whether these bytes are a video that we put out ourselves. */
  readonly isOwnOutput: (sha256: string) => Promise<boolean>;
}

/** Reads the members of a unit, the main file first, and makes its requests. Throws what the folder throws. */
export async function gather<S extends DropSource>(ports: GatherPorts<S>, unit: DropUnit<S>): Promise<Gathered<S>> {
  const sources = [unit.main, ...unit.parts];
  const members: Member<S>[] = [];
  for (const source of sources) {
    const read = await readMember(ports, source);
    if (read.state === 'again') return { state: 'waiting', reason: 'changing' };
    if (read.state === 'gone' && source === unit.main)
      return { state: 'skipped', members: [{ source, content: undefined }], reason: 'gone' };
    if (read.state === 'gone') return { state: 'waiting', reason: 'changing' };
    if (read.state === 'refused')
      return {
        state: 'refused',
        members: sources.map(one => ({ source: one, content: undefined })),
        error: read.error,
      };
    members.push({ source, content: read });
  }
  const files = members.map(fileOf);
  const [main, ...sidecars] = files;
  if (main === undefined) throw new ReelayError('internal', 'A drop without a file.');
  const own = members[0]?.content?.own === true || isOwnPaper(main) || (await ports.isOwnOutput(main.sha256));
  if (own) return { state: 'skipped', members, reason: 'own' };
  try {
    if (unit.ambiguous)
      throw refused(main, 'several images, videos or sidecars share this name; give each picture a name of its own.');
    return await resolveNames(ports, unit, members, requestsOf(main, sidecars));
  } catch (error) {
    if (error instanceof ReelayError && !error.retryable) return { state: 'refused', members, error };
    throw error;
  }
}

type Reading = DropContent | { state: 'again' } | { state: 'gone' } | { state: 'refused'; error: ReelayError };

async function readMember<S extends DropSource>(ports: GatherPorts<S>, source: S): Promise<Reading> {
  if (source.shared) {
    const sentence = 'this file has another name elsewhere (a hard link); drop a copy of it instead.';
    return { state: 'refused', error: refused(source, sentence) };
  }
  const kind = kindOfName(source.name);
  const most = kind === 'text' || kind === 'json' || kind === 'batch' ? limits.maxBodyBytes : limits.maxMultipartBytes;
  const read = await ports.folder.read(source, most);
  if (read.state !== 'too_large') return read;
  // What is no drop at all is told so, whatever its size.
  if (kind === 'unknown') return { state: 'refused', error: unknownKind(source) };
  const message = `${escapeName(source.name).slice(0, 80)}: got ${source.bytes} bytes; at most ${most} are taken.`;
  const problems = [{ path: 'file', message }];
  return { state: 'refused', error: new ReelayError('payload_too_large', message, { problems }) };
}

/** Puts the files that requests name into their bodies; each file is read once, however many lines of a batch name it. */
async function resolveNames<S extends DropSource>(
  ports: GatherPorts<S>,
  unit: DropUnit<S>,
  members: readonly Member<S>[],
  requests: readonly DropRequest[],
): Promise<Gathered<S>> {
  const all = [...members];
  const files = new Map<string, ReadFile>();
  const problems: Problem[] = [];
  const resolved: DropRequest[] = [];
  let referenceBytes = 0;
  for (const request of requests) {
    let body = request;
    for (const { field, name } of namedFiles(request)) {
      const found = files.get(name) ?? (await readNamed(ports, unit.main, name));
      if (typeof found === 'string') {
        if (found === 'changing' || unit.main.ageMs < dropLimits.siblingWaitMs)
          return { state: 'waiting', reason: 'named_file' };
        const message = `${field}: no file "${escapeName(name).slice(0, 80)}" that can be taken lies beside the request; drop it with it.`;
        problems.push({ path: field, message: atLine(request.line, message) });
        continue;
      }
      if ('source' in found && all.push(found) > dropLimits.filesPerDrop)
        throw refused(
          unit.main,
          `it names too many files; at most ${dropLimits.filesPerDrop} are taken with one drop.`,
        );
      const file = 'source' in found ? fileOf(found) : found;
      files.set(name, file);
      referenceBytes += file.bytes.length;
      if (referenceBytes > dropLimits.referenceBytesPerDrop) throw tooManyBytes(unit.main);
      body = withFile(body, field, file);
    }
    resolved.push(body);
  }
  if (problems.length > 0) return { state: 'refused', members: all, error: invalidRequest(problems) };
  return { state: 'requests', members: all, requests: resolved };
}

function tooManyBytes(main: DropSource): ReelayError {
  const most = dropLimits.referenceBytesPerDrop / 2 ** 20;
  const each = 'counting a file as often as it is named';
  return refused(
    main,
    `its requests start from more than ${most} MiB of files, ${each}; split it or take smaller files.`,
  );
}

async function readNamed<S extends DropSource>(
  ports: GatherPorts<S>,
  main: S,
  name: string,
): Promise<Member<S> | 'changing' | 'missing'> {
  const source = await ports.folder.beside(main, name);
  if (source === 'unstable') return 'changing';
  if (source === undefined || source.identity === main.identity || skipReason(source) !== undefined) return 'missing';
  const read = await readMember(ports, source);
  if (read.state === 'read') return { source, content: read };
  if (read.state === 'refused') throw read.error;
  return read.state === 'again' ? 'changing' : 'missing';
}

function fileOf<S extends DropSource>({ source, content }: Member<S>): ReadFile {
  return { name: source.name, bytes: content?.bytes ?? new Uint8Array(0), sha256: content?.sha256 ?? '' };
}
