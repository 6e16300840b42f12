import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { invalidRequest, type Problem, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';

/** A JSON or multipart body as one plain object; both encodings come out alike. Throws 400, 413 and 415 errors in words. */
export async function readBody(event: APIGatewayProxyEventV2): Promise<unknown> {
  const type = event.headers['content-type'] ?? '';
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const kind = type.split(';')[0]!.trim().toLowerCase();
  if ((event.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new ReelayError('unsupported_media_type', 'content-encoding: send the body uncompressed.');
  if (kind !== 'application/json' && kind !== 'multipart/form-data')
    throw new ReelayError(
      'unsupported_media_type',
      `content-type: got ${kind === '' ? 'nothing' : `"${kind.slice(0, 60)}"`}; application/json or multipart/form-data is allowed.`,
    );
  const most = kind === 'application/json' ? limits.maxBodyBytes : limits.maxMultipartBytes;
  if (bytes.length > most)
    throw new ReelayError(
      'payload_too_large',
      `body: got ${bytes.length} bytes; at most ${most} are allowed as ${kind}.`,
    );
  return kind === 'application/json' ? readJson(bytes) : readMultipart(bytes, type);
}

function readJson(bytes: Buffer): unknown {
  if (bytes.length === 0)
    throw invalidRequest([{ path: 'body', message: 'body: got nothing; a JSON object is expected.' }]);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    // The parser's own message quotes the body, which may hold a prompt: it stays here.
    throw new ReelayError('invalid_request', 'body: this is not valid JSON in UTF-8.', {
      cause,
      problems: [{ path: 'body', message: '' }],
    });
  }
}

async function readMultipart(bytes: Buffer, type: string): Promise<unknown> {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
  } catch (cause) {
    throw new ReelayError('invalid_request', 'body: this is not a well-formed multipart/form-data body.', {
      cause,
      problems: [{ path: 'body', message: '' }],
    });
  }
  return fromForm([...form.entries()]);
}

/** `metadata[a]` becomes {metadata: {a}}, `tags[]` a list, a file its name alone: no route takes files yet. */
function fromForm(entries: [string, unknown][]): Record<string, unknown> {
  const problems: Problem[] = [];
  if (entries.length > limits.maxParts)
    throw invalidRequest([
      { path: 'body', message: `body: got ${entries.length} parts; at most ${limits.maxParts} are allowed.` },
    ]);
  const fields = new Map<string, unknown>();
  for (const [name, value] of entries) {
    const [, key = name, inner] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(name) ?? [];
    const item = typeof value === 'string' ? value : { file: true };
    const before = fields.get(key);
    if (inner === undefined && before === undefined) fields.set(key, item);
    else if (inner === '' && (before === undefined || Array.isArray(before)))
      fields.set(key, [...(before ?? []), item]);
    else if (inner !== undefined && inner !== '' && (before === undefined || before instanceof Map))
      fields.set(key, new Map([...((before as Map<string, unknown>) ?? []), [inner, item]]));
    else problems.push({ path: key.slice(0, 64), message: `${key.slice(0, 64)}: sent more than once; send it once.` });
  }
  if (problems.length > 0) throw invalidRequest(problems);
  return Object.fromEntries([...fields].map(([k, v]) => [k, v instanceof Map ? Object.fromEntries(v) : v]));
}
