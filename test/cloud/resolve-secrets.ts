/** Of the functions and of the worker beside them. */
export const MASTER_KEY = 'ab'.repeat(32);

/** What a template says where CloudFormation puts a secret's value when it deploys. */
const REFERENCE = /\{\{resolve:secretsmanager:[^}]*\}\}/g;

interface FunctionFacts {
  readonly FunctionName: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
}

/**
 * The emulator leaves dynamic references of Secrets Manager in a function's environment as they are. Each is given a key of the form that the
 * stack draws, the same for all of them. Returns how many functions were told.
 */
export async function resolveSecrets(endpoint: string): Promise<number> {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${endpoint}/2015-03-31/functions/${path}`, {
      method,
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`lambda ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { Functions } = (await call('GET', '')) as { Functions: readonly FunctionFacts[] };
  let told = 0;
  for (const { FunctionName, Environment } of Functions) {
    const variables = Environment?.Variables ?? {};
    if (!JSON.stringify(variables).includes('{{resolve:secretsmanager:')) continue;
    const Variables = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, value.replace(REFERENCE, MASTER_KEY)]),
    );
    await call('PUT', `${FunctionName}/configuration`, { Environment: { Variables } });
    told++;
  }
  return told;
}
