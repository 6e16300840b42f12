/** ONNX Runtime's binding. */
export type Ort = typeof import('onnxruntime-node');

/**
 * Loads ONNX Runtime, on first use: a platform without the native library still runs `doctor`, which then says so. Its builds for Linux
 * report sessions, names of model files and hashes of weights to their maker unless the environment forbids it (from 1.29 on); that is
 * read when the library starts, so it is set here, and not left to whoever starts the process.
 */
export function loadOrt(): Promise<Ort> {
  process.env.ORT_DISABLE_TELEMETRY = '1';
  return import('onnxruntime-node');
}
