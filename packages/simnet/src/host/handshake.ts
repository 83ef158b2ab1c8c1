import { ConnectionFailedError, type PeerId } from '@libp2p/interface'
import type { Parcel } from '../links/parcel.ts'
import { raceAbort } from '../links/race-abort.ts'
import type { WireEnd } from '../links/wire.ts'

/** Bytes of the messages by which a connection becomes secure. */
const HELLO_BYTES = 400
/** Round trips besides the handshake's own: opening the connection, and the two hellos. */
const ROUND_TRIPS_OF_ITS_OWN = 2

function nextHello(end: WireEnd): Promise<PeerId> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerId>()
  const isLost = (err?: Error): void => reject(err ?? new ConnectionFailedError('The peer has closed the connection'))
  const onParcel = (parcel: Parcel): void => {
    if (parcel.type === 'hello') resolve(parcel.peer)
  }
  end.handler = { onParcel, onDrain: () => {}, onEnd: isLost }
  return promise
}

/** The dialler's part of becoming secure. Returns who is at the other end. */
export async function greet(end: WireEnd, self: PeerId, roundTrips: number, signal: AbortSignal): Promise<PeerId> {
  const answer = nextHello(end)
  const restMs = Math.max(0, roundTrips - ROUND_TRIPS_OF_ITS_OWN) * end.rttMs
  // The listener may refuse at once: then nobody waits any longer.
  await raceAbort(Promise.race([answer, new Promise((resolve) => setTimeout(resolve, restMs))]), signal)
  end.send({ type: 'hello', peer: self }, HELLO_BYTES)
  return raceAbort(answer, signal)
}

/** The listener's part: waits for the dialler's hello, and lets `check` decide on it before answering. */
export async function welcome(
  end: WireEnd,
  self: PeerId,
  signal: AbortSignal,
  check: (peer: PeerId) => Promise<void>,
): Promise<PeerId> {
  const peer = await raceAbort(nextHello(end), signal)
  await check(peer)
  end.send({ type: 'hello', peer: self }, HELLO_BYTES)
  return peer
}
