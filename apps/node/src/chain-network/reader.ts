import type { ChainReader, HeaderFacts, Refusal } from '@gridmesh/block-sync'
import {
  decodeBlock,
  decodeHeader,
  type Header,
  headerSignatureOf,
  type Registry,
  toHex,
  txRoot,
} from '@gridmesh/ledger'
import type { VerifyClaims } from '../chain/verifier.ts'
import { WrongBodyError } from './errors.ts'
import { isProof } from './verdicts.ts'

/**
 * Reads the ledger's headers and blocks for a sync. Signatures of headers are checked by `verify`. The registry has to be
 * that of the chain, `EnergyChain.registry`: whoever gives a block with a kind that it lacks is taken for a liar.
 */
export function ledgerReader(verify: VerifyClaims, registry: Registry): ChainReader {
  return {
    header: (bytes) => factsOf(decodeHeader(bytes)),
    block(bytes) {
      const { header, transactions } = decodeBlock(bytes, registry)
      const [stated, root] = [toHex(header.txRoot), toHex(txRoot(transactions.map(({ id }) => id)))]
      if (stated !== root) throw new WrongBodyError(stated, root)
      return factsOf(header)
    },
    judge: async (headers, { signal }) => judge(headers.map(decodeHeader), verify, signal),
    isProof,
  }
}

async function judge(
  headers: readonly Header[],
  verify: VerifyClaims,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  let holds: readonly boolean[]
  try {
    holds = await verify(headers.map(headerSignatureOf), { signal })
  } catch {
    // Nothing can be said: each is checked again when its block is imported.
    return undefined
  }
  const wrong = headers[holds.indexOf(false)]
  if (wrong === undefined) return undefined
  const message = `the signature of ${toHex(wrong.proposer)} does not hold for header ${toHex(wrong.hash)}`
  return { code: 'invalid-block-signature', message }
}

function factsOf({ height, hash, parent }: Header): HeaderFacts {
  return { height, hash: toHex(hash), parent: toHex(parent) }
}
