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
  readonly type: TensorType;
  /** What will be fed; null where the size varies from run to run, so that the graph must leave it free. */
  readonly dims: readonly (number | null)[];
}

/** A loaded graph. */
export interface Session {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** One inference; the declared inputs are taken from `feeds`, others are left out. Blocks the event loop while it runs. */
  run(feeds: TensorMap): Promise<TensorMap>;
  release(): Promise<void>;
}

/** The types that cross a graph's edge. */
export type TensorType = 'float32' | 'int64';

/** Row-major. */
export type Tensor =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] };

/** Tensors by the graph's own names. */
export type TensorMap = Readonly<Record<string, Tensor>>;

/** What a graph declares of an input or output. */
export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  /** A name where the size is free. */
  readonly shape: readonly (number | string)[];
}
