import type { LedgerCrypto } from './crypto.ts'
import { nativeCrypto } from './native-crypto.ts'
import { wasmCrypto } from './wasm-crypto.ts'

/** The native addon where it loads, WebAssembly where it does not: loaded with the package, since all of it is synchronous. */
export const chosenCrypto: LedgerCrypto = await nativeCrypto().catch(wasmCrypto)
