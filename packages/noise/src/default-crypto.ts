import type { NoiseCrypto } from './crypto.ts'
import { nativeCrypto } from './native-crypto.ts'
import { wasmCrypto } from './wasm-crypto.ts'

let chosen: Promise<NoiseCrypto> | undefined

/** The native addon where it loads, WebAssembly where it does not; chosen once in a process, at the first use. */
export function defaultCrypto(): Promise<NoiseCrypto> {
  return (chosen ??= firstToLoad(nativeCrypto, wasmCrypto))
}

/** What `wanted` loads, or what `fallback` does where that fails for whatever reason. */
export async function firstToLoad(
  wanted: () => Promise<NoiseCrypto>,
  fallback: () => Promise<NoiseCrypto>,
): Promise<NoiseCrypto> {
  try {
    return await wanted()
  } catch {
    // Left out at install, no build for this platform, or one that the loader of the system refuses: all the same here.
    return fallback()
  }
}
