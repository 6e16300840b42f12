/** What a path and method lead to: a route key with its parameters, or which methods the path does know. */
export type Match =
  | { readonly key: string; readonly parameters: Record<string, string> }
  | { readonly allowed: readonly string[] };

interface Pattern {
  readonly key: string;
  readonly method: string;
  readonly segments: readonly string[];
}

/** Matches paths against route keys like `GET /v1/videos/{id}`; the first literal match wins, so order them literal first. */
export function createRouter(keys: readonly string[]): (method: string, path: string) => Match {
  const patterns = keys.map((key): Pattern => {
    const [method = '', path = ''] = key.split(' ');
    return { key, method, segments: path.split('/') };
  });
  return (method, path) => {
    const segments = path.split('/');
    const fitting = patterns.filter(p => parametersOf(p, segments) !== undefined);
    const found = fitting.find(p => p.method === (method === 'HEAD' ? 'GET' : method));
    if (found === undefined) return { allowed: fitting.map(p => p.method) };
    return { key: found.key, parameters: parametersOf(found, segments) ?? {} };
  };
}

function parametersOf(pattern: Pattern, segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.segments.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [i, expected] of pattern.segments.entries()) {
    const got = segments[i] ?? '';
    const name = /^\{(.+)\}$/.exec(expected)?.[1];
    if (name === undefined && got !== expected) return undefined;
    if (name !== undefined && got === '') return undefined;
    if (name !== undefined) parameters[name] = decode(got);
  }
  return parameters;
}

/** A segment that is not valid percent-encoding stays as it is: no id looks like that, so it reads as unknown. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
