import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { mergeAddresses } from './book-entry.ts'
import { PeerExchangeError } from './errors.ts'
import type { SourcedCandidate } from './strategy.ts'

/**
 * Opens a signed peer record. One that is well signed but says nothing we can use is `undefined`: that is the doing of
 * its subject, not of who passed it on.
 * @throws {PeerExchangeError} unless it is a peer record that its own subject signed
 */
export async function openRecord(
  bytes: Uint8Array,
  maxAddresses: number,
  signal: AbortSignal,
): Promise<SourcedCandidate | undefined> {
  const envelope = await certify(bytes, signal)
  const record = parse(envelope.payload)
  if (record === undefined) return undefined
  const { peerId, multiaddrs, seqNumber: seq } = record
  if (!peerIdFromPublicKey(envelope.publicKey).equals(peerId)) {
    throw new PeerExchangeError('forged', `the record of ${peerId.toString()} is signed by another`)
  }
  const addresses = mergeAddresses(multiaddrs, [], maxAddresses)
  return addresses.length === 0 ? undefined : { id: peerId, addresses, record: { seq, addresses } }
}

async function certify(bytes: Uint8Array, signal: AbortSignal): Promise<RecordEnvelope> {
  const { DOMAIN, CODEC } = PeerRecord
  let isValid = false
  let envelope: RecordEnvelope
  try {
    envelope = RecordEnvelope.createFromProtobuf(bytes)
    isValid = await envelope.validate(DOMAIN, { signal })
  } catch (err) {
    signal.throwIfAborted()
    throw new PeerExchangeError('malformed', 'a record is no signed envelope', { cause: err })
  }
  if (!isValid) throw new PeerExchangeError('forged', 'the signature of a record does not verify')
  if (!isEqual(envelope.payloadType, CODEC))
    throw new PeerExchangeError('malformed', 'an envelope holds no peer record')
  return envelope
}

function parse(payload: Uint8Array): PeerRecord | undefined {
  try {
    return PeerRecord.createFromProtobuf(payload)
  } catch {
    return undefined
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at])
}
