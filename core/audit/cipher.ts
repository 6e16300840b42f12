/** What sealing needs from outside. */

/** Authenticated encryption, and bytes as text. */
export interface Cipher {
  /** 32 random bytes. */
  readonly newKey: () => Uint8Array;
  /** AES-256-GCM with a nonce of its own. `context` is bound to it: opened with another one, it does not open. */
  readonly seal: (key: Uint8Array, context: string, plain: Uint8Array) => Uint8Array;
  /** undefined for what was not sealed with this key and context, or was changed since. */
  readonly open: (key: Uint8Array, context: string, sealed: Uint8Array) => Uint8Array | undefined;
  readonly toText: (bytes: Uint8Array) => string;
  readonly fromText: (text: string) => Uint8Array;
  /** UTF-8. */
  readonly encode: (text: string) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => string;
}

/** The keys that wrap keys, one a tenant; they never leave what stands behind this port. */
export interface TenantKeys {
  /** Throws `store_unavailable`. */
  readonly wrap: (tenant: string, context: string, key: Uint8Array) => Promise<Uint8Array>;
  /** Throws `store_unavailable`, and `internal` for what was not wrapped by `wrap` with the same tenant and context. */
  readonly unwrap: (tenant: string, context: string, wrapped: Uint8Array) => Promise<Uint8Array>;
}
