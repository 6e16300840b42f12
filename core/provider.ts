/** What graphs run on. There is no third value that means "whichever works": a worker that was asked for a GPU uses one or says why not. */
export type Provider = 'cpu' | 'cuda';

/** What a model needs of the machine that renders it; what is left out may be any. */
export interface ModelNeeds {
  /** A GPU, where it says cuda. */
  readonly provider?: 'cuda';
  /** Of the device that the graphs run on. */
  readonly memoryBytes?: number;
}

/** What a worker has to offer to a model. */
export interface Device {
  readonly provider: Provider;
  /** Of the GPU, or of the machine where the graphs run on its CPU; undefined where nobody tells. */
  readonly memoryBytes: number | undefined;
}

/** What a look at a provider found: it ran a small graph, or it did not and why. */
export type ProviderProbe =
  | {
      readonly ok: true;
      readonly provider: Provider;
      /** How many nodes ran on which of ONNX Runtime's execution providers, by ONNX Runtime's own profile. */
      readonly ranOn: Readonly<Record<string, number>>;
      readonly ms: number;
    }
  /** `reason` is a sentence. */
  | { readonly ok: false; readonly provider: Provider; readonly reason: string };

/** Why a model cannot be rendered on a device, as a sentence; undefined: it can, for all that is known. */
export function whyUnfit(model: string, needs: ModelNeeds | undefined, device: Device): string | undefined {
  if (needs === undefined) return undefined;
  const { provider, memoryBytes } = needs;
  if (provider === 'cuda' && device.provider !== 'cuda')
    return `The model "${model}" needs a CUDA GPU; this worker runs on the CPU (REELAY_PROVIDER=cpu).`;
  if (memoryBytes === undefined || device.memoryBytes === undefined || memoryBytes <= device.memoryBytes)
    return undefined;
  const where = device.provider === 'cuda' ? 'the GPU' : 'this machine';
  return `The model "${model}" needs ${gigabytes(memoryBytes)} of memory; ${where} has ${gigabytes(device.memoryBytes)}.`;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
