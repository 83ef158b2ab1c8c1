import { workerVerifier } from '@gridmesh/verifier'
import { type VerifyClaims, verifyHere } from '../chain/verifier.ts'

/** Signatures up to which a call is checked on the event loop, in well under a millisecond: to hand them over takes as long. */
const MAX_HERE = 8

/** How a node checks signatures. */
export interface NodeVerifier {
  readonly verify: VerifyClaims
  stop(): Promise<void>
}

/**
 * Checks many signatures in `threads` threads, which start when they are needed, and few at once; all at once, by `here`,
 * with 0.
 */
export function nodeVerifier(threads: number, here: VerifyClaims = verifyHere): NodeVerifier {
  if (threads === 0) return { verify: here, stop: async () => Promise.resolve() }
  const workers = workerVerifier({ threads })
  return {
    verify: async (claims, options) =>
      claims.length <= MAX_HERE ? here(claims, options) : workers.verify(claims, options),
    stop: async () => workers.stop(),
  }
}
