import { describe, expect, it } from 'vitest'
import { HandshakeState } from '../src/handshake-state.ts'
import type { NoiseCrypto } from '../src/index.ts'
import { TRANSPORT, type Vector, VECTORS } from './fixtures/vectors.ts'
import { CRYPTOS, hex, toHex } from './helpers.ts'

function sides(crypto: NoiseCrypto, vector: Vector): { initiator: HandshakeState; responder: HandshakeState } {
  const prologue = hex(vector.prologue)
  return {
    initiator: new HandshakeState({
      crypto,
      prologue,
      role: 'initiator',
      staticKeys: crypto.keyPairOf(hex(vector.initiatorStatic)),
      ephemeralKeys: crypto.keyPairOf(hex(vector.initiatorEphemeral)),
    }),
    responder: new HandshakeState({
      crypto,
      prologue,
      role: 'responder',
      staticKeys: crypto.keyPairOf(hex(vector.responderStatic)),
      ephemeralKeys: crypto.keyPairOf(hex(vector.responderEphemeral)),
    }),
  }
}

/** The three messages of the handshake, byte by byte as published. */
function shakeHands({ initiator, responder }: ReturnType<typeof sides>, { messages, hashOfTwo }: Vector): void {
  const hashes: string[] = []
  messages.slice(0, 3).forEach(({ payload, ciphertext }, index) => {
    const [writer, reader] = index % 2 === 0 ? [initiator, responder] : [responder, initiator]
    const message = writer.writeMessage(hex(payload))
    expect(toHex(message)).toBe(ciphertext)
    expect(toHex(reader.readMessage(message))).toBe(payload)
    expect(toHex(reader.handshakeHash)).toBe(toHex(writer.handshakeHash))
    hashes.push(toHex(reader.handshakeHash))
  })
  expect(hashOfTwo ?? hashes[1]).toBe(hashes[1])
}

describe.each(CRYPTOS)('published vectors, by $name', (crypto) => {
  it.each(VECTORS)('gives the bytes of $source', (vector) => {
    const both = sides(crypto, vector)
    shakeHands(both, vector)
    const [initiator, responder] = [both.initiator.split(), both.responder.split()]
    vector.messages.slice(3).forEach(({ payload, ciphertext }, index) => {
      // The fourth message is the responder's.
      const [writer, reader] = index % 2 === 1 ? [initiator, responder] : [responder, initiator]
      const sealed = new Uint8Array(payload.length / 2 + 16)
      writer.send.encrypt(sealed, hex(payload))
      expect(toHex(sealed)).toBe(ciphertext)
      const opened = new Uint8Array(payload.length / 2)
      expect(reader.receive.decrypt(opened, sealed)).toBe(true)
      expect(toHex(opened)).toBe(payload)
    })
  })

  it('gives the bytes of the first message of each side after a handshake', () => {
    const vector = VECTORS[1]
    if (vector === undefined) throw new TypeError('there are three vectors')
    const both = sides(crypto, vector)
    shakeHands(both, vector)
    const [initiator, responder] = [both.initiator.split(), both.responder.split()]
    for (const [writer, { payload, ciphertext }] of [
      [initiator, TRANSPORT.fromInitiator],
      [responder, TRANSPORT.fromResponder],
    ] as const) {
      const sealed = new Uint8Array(payload.length / 2 + 16)
      writer.send.encrypt(sealed, hex(payload))
      expect(toHex(sealed)).toBe(ciphertext)
    }
  })
})
