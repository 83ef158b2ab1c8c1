import { type SignatureClaim, verifySignature } from '@gridmesh/ledger'
import type { Workers } from './worker-verifier.ts'

/** No threads: each batch is checked when it is handed over. */
export class InlineWorkers implements Workers {
  async check(claims: readonly SignatureClaim[]): Promise<boolean[]> {
    return claims.map(verifySignature)
  }

  async stop(): Promise<void> {}
}
