// What a worker thread runs.
import { verifySignature } from '@gridmesh/ledger'
import { unpackClaims } from './claim-batch.ts'

/** Checks a batch: 1 for each claim whose signature holds, 0 for each other, in order. */
export default function verifyBatch(packed: Uint8Array): Uint8Array {
  return Uint8Array.from(unpackClaims(packed), (claim) => (verifySignature(claim) ? 1 : 0))
}
