/** The agent answers from the host in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * The id of the ECS task that this process runs in, from the metadata that ECS offers at ECS_CONTAINER_METADATA_URI_V4; null where there
 * is none or it does not answer: then the fleet's controller finds out which task has which worker by their ages.
 */
export async function readEcsTaskId(
  metadataUri: string | undefined,
  send: typeof fetch = fetch,
): Promise<string | null> {
  if (metadataUri === undefined || metadataUri === '') return null;
  try {
    const response = await send(`${metadataUri}/task`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { TaskARN } = (await response.json()) as { TaskARN?: unknown };
    return typeof TaskARN === 'string' ? TaskARN.slice(TaskARN.lastIndexOf('/') + 1) : null;
  } catch {
    return null;
  }
}
