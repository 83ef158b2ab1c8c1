import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { mergeAddresses } from './book-entry.ts'
import { PeerExchangeError } from './errors.ts'
import type { SourcedCandidate } from './strategy.ts'

/**
 * Opens a signed peer record. One that is well signed but says nothing we can use is `undefined`: that is the doing of
 * its subject, not of who passed it on.
 * @throws {PeerExchangeError} unless its own subject signed it
 */
export async function openRecord(
  bytes: Uint8Array,
  maxAddresses: number,
  signal: AbortSignal,
): Promise<SourcedCandidate | undefined> {
  const envelope = await certify(bytes, signal)
  const record = parse(envelope)
  if (record === undefined) return undefined
  const { peerId, multiaddrs, seqNumber: seq } = record
  if (!peerIdFromPublicKey(envelope.publicKey).equals(peerId)) {
    throw new PeerExchangeError('forged', `the record of ${peerId.toString()} is signed by another`)
  }
  const addresses = mergeAddresses(multiaddrs, [], maxAddresses)
  return addresses.length === 0 ? undefined : { id: peerId, addresses, record: { seq, addresses } }
}

async function certify(bytes: Uint8Array, signal: AbortSignal): Promise<RecordEnvelope> {
  let isValid = false
  let envelope: RecordEnvelope
  try {
    envelope = RecordEnvelope.createFromProtobuf(bytes)
    isValid = await envelope.validate(PeerRecord.DOMAIN, { signal })
  } catch (err) {
    signal.throwIfAborted()
    throw new PeerExchangeError('malformed', 'a record is no signed envelope', { cause: err })
  }
  if (!isValid) throw new PeerExchangeError('forged', 'the signature of a record does not verify')
  return envelope
}

function parse({ payload, payloadType }: RecordEnvelope): PeerRecord | undefined {
  // libp2p's identify does not look at the type, so an honest peer may hold, and pass on, a record of another.
  if (!isEqual(payloadType, PeerRecord.CODEC)) return undefined
  try {
    return PeerRecord.createFromProtobuf(payload)
  } catch {
    return undefined
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at])
}
