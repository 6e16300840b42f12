import type { TensorMap, TensorType } from '#gpu-container/engine/tensor.ts';

/**
 * What an inference engine offers the render child. Tensors at graph edges are float32 or int64; half precision stays inside a
 * graph. ONNX Runtime is one implementation: ort-backend.ts.
 */
export interface Backend {
  /** Loads a graph. Throws `bundle_invalid` when it is unreadable or its inputs and outputs are not what the caller can serve. */
  createSession(path: string, options: SessionOptions): Promise<Session>;
}

/** What a session is checked against when it is opened. */
export interface SessionOptions {
  /** For messages: "models/reelay-mini: transformer/model.onnx". */
  readonly name: string;
  /** Every input the caller could feed. A graph may declare fewer (exporters prune), never others. */
  readonly knownInputs: Readonly<Record<string, KnownInput>>;
  /** Outputs that must exist. */
  readonly neededOutputs: readonly string[];
}

/** An input that the caller knows how to feed. */
export interface KnownInput {
  /** Where the graph wants the other type, values are converted. */
  readonly type: TensorType;
  /** What will be fed; null where the size varies from run to run, so that the graph must leave it free; undefined: it may be either. */
  readonly dims: readonly (number | null | undefined)[];
}

/** A loaded graph. */
export interface Session {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /**
   * One inference; the declared inputs are taken from `feeds`, others are left out. Blocks the event loop while it runs. Throws
   * `bundle_invalid` where a graph's fixed size is not what is fed.
   */
  run(feeds: TensorMap): Promise<TensorMap>;
  release(): Promise<void>;
}

/** What a graph declares of an input or output. */
export interface TensorInfo {
  readonly name: string;
  /** int32 only for inputs; what is fed is converted. */
  readonly type: TensorType | 'int32';
  /** A name where the size is free. */
  readonly shape: readonly (number | string)[];
}
