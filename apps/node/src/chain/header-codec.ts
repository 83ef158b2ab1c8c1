import type { HeaderCodec } from '@gridmesh/consensus'
import { decodeHeader, headerSignatureOf, verifySignature } from '@gridmesh/ledger'
import { factsOf } from './chain-block.ts'

/** Reads headers of the ledger, each of `headerBytes` bytes, for the consensus and for sync. */
export function headerCodec(headerBytes: number): HeaderCodec {
  return {
    decode: (bytes) => factsOf(decodeHeader(bytes)),
    verify: (bytes) => verifySignature(headerSignatureOf(decodeHeader(bytes))),
    ofBlock(block) {
      const header = block.subarray(0, headerBytes)
      decodeHeader(header)
      return header
    },
  }
}
