import { createHash } from 'node:crypto'
import { type SignatureClaim, verifySignature } from '@gridmesh/ledger'
import type { VerifyClaims } from '../../chain/verifier.ts'

/** Verdicts that are remembered; beyond it all are forgotten. */
const MAX_REMEMBERED = 100_000

/** Checks signatures as a node does, but each only once, whoever asks. */
export function rememberingVerifier(): VerifyClaims {
  const verdicts = new Map<string, boolean>()
  const holds = (claim: SignatureClaim): boolean => {
    const { publicKey, signature, message } = claim
    const key = createHash('sha256').update(publicKey).update(signature).update(message).digest('base64')
    const known = verdicts.get(key)
    if (known !== undefined) return known
    if (verdicts.size === MAX_REMEMBERED) verdicts.clear()
    const verdict = verifySignature(claim)
    verdicts.set(key, verdict)
    return verdict
  }
  return async (claims) => Promise.resolve(claims.map(holds))
}
