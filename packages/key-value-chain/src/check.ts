import { toHex, type Verify } from '@gridmesh/ledger'
import { type Block, hasItsBody } from './block.ts'
import { type Genesis, producerOf } from './genesis.ts'
import { type Header, headerSignatureOf } from './header.ts'

/** Why a block or a transaction is refused: a stable code, and the same in words. */
export interface Refusal {
  code: string
  message: string
}

/**
 * Finds what is false about a header, whatever came before it: chain, turn, signature. The genesis header is false for
 * all but `reader.header`: nobody signed it.
 */
export function checkHeader(genesis: Genesis, header: Header, verify: Verify): Refusal | undefined {
  const { chainId, slot, producer } = header
  if (Buffer.compare(chainId, genesis.chainId) !== 0) {
    return refusal('wrong-chain', `chain ${toHex(chainId)}, where this is ${toHex(genesis.chainId)}`)
  }
  const turn = producerOf(genesis, slot)
  if (turn === undefined || Buffer.compare(turn, producer) !== 0) {
    return refusal('not-in-turn', `${toHex(producer)} made a block of slot ${slot}, which is of somebody else`)
  }
  if (verify(headerSignatureOf(header))) return undefined
  return refusal('invalid-block-signature', `the signature of ${toHex(producer)} does not hold`)
}

/** Finds what is false about a header upon another one. */
export function checkSuccession(
  parent: Pick<Header, 'height' | 'slot'>,
  { height, slot }: Header,
): Refusal | undefined {
  if (height !== parent.height + 1) return refusal('wrong-height', `height ${height} upon ${parent.height}`)
  if (slot <= parent.slot) return refusal('wrong-slot', `slot ${slot} upon ${parent.slot}`)
  return undefined
}

/** Finds whether a block comes before its time: it may be good later. */
export function checkTime(
  { startMs, slotMs }: Genesis,
  { slot }: Header,
  nowMs: number,
  maxClockAheadMs: number,
): Refusal | undefined {
  const aheadMs = startMs + slot * slotMs - nowMs
  return aheadMs > maxClockAheadMs ? refusal('time-ahead', `slot ${slot} begins in ${aheadMs} ms`) : undefined
}

/** Finds whether a body is that of its header. */
export function checkBody(block: Block): Refusal | undefined {
  return hasItsBody(block) ? undefined : refusal('wrong-tx-root', 'the transactions are not those of the header')
}

export function refusal(code: string, message: string): Refusal {
  return { code, message }
}
