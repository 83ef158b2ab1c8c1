import type { PeerId } from '@libp2p/interface'
import type { KeyPair, NoiseCrypto } from './crypto.ts'
import type { CipherState } from './cipher-state.ts'
import type { HandshakeChannel } from './handshake-channel.ts'
import { HandshakeState, type Role } from './handshake-state.ts'
import { provePeer } from './identity.ts'
import { decodePayload, type NoiseExtensions } from './payload.ts'

const EMPTY = new Uint8Array(0)

export interface ExchangeInit {
  role: Role
  crypto: NoiseCrypto
  channel: HandshakeChannel
  prologue: Uint8Array
  staticKeys: KeyPair
  /** Our payload, encoded. */
  payload: Uint8Array
  /** The peer that has to be at the other end, where that is known. */
  expected: PeerId | undefined
  signal: AbortSignal
}

export interface ExchangeResult {
  peer: PeerId
  extensions: NoiseExtensions | undefined
  send: CipherState
  receive: CipherState
}

/** Runs the three messages of XX over a connection, and proves who is at its other end. */
export async function exchange(init: ExchangeInit): Promise<ExchangeResult> {
  const { channel, role, payload } = init
  const state = new HandshakeState(init)
  try {
    let proved
    if (role === 'initiator') {
      channel.write(state.writeMessage(EMPTY))
      // Before message 3: a peer that is not the one we dialled does not get to know us.
      proved = await readPayload(state, init)
      channel.write(state.writeMessage(payload))
    } else {
      // Nothing vouches yet for a payload in message 1, and there is to be none.
      state.readMessage(await channel.read())
      channel.write(state.writeMessage(payload))
      proved = await readPayload(state, init)
    }
    return { ...proved, ...state.split() }
  } finally {
    state.wipe()
  }
}

async function readPayload(
  state: HandshakeState,
  { channel, expected, signal }: ExchangeInit,
): Promise<Pick<ExchangeResult, 'peer' | 'extensions'>> {
  const payload = decodePayload(state.readMessage(await channel.read()))
  const peer = await provePeer({ payload, staticKey: state.remoteStatic ?? EMPTY, expected }, { signal })
  return { peer, extensions: payload.extensions }
}
