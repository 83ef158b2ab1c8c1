import { describe, expect, it } from 'vitest'
import { HandshakeState, type HandshakeStateInit } from '../src/handshake-state.ts'
import { native } from './helpers.ts'

const EMPTY = new Uint8Array(0)

function state(init: Partial<HandshakeStateInit>): HandshakeState {
  const staticKeys = native.generateKeyPair()
  return new HandshakeState({ crypto: native, role: 'initiator', prologue: EMPTY, staticKeys, ...init })
}

/** Both sides after as many messages. */
function after(messages: number, init: Partial<HandshakeStateInit> = {}): [HandshakeState, HandshakeState] {
  const [a, b] = [state({ ...init, role: 'initiator' }), state({ ...init, role: 'responder' })]
  for (let i = 0; i < messages; i++) {
    const [writer, reader] = i % 2 === 0 ? [a, b] : [b, a]
    reader.readMessage(writer.writeMessage(EMPTY))
  }
  return [a, b]
}

describe('HandshakeState', () => {
  it('refuses to write or read out of turn, and to split before the end', () => {
    const [a, b] = after(0)
    expect(() => a.readMessage(new Uint8Array(32))).toThrow(TypeError)
    expect(() => b.writeMessage(EMPTY)).toThrow(TypeError)
    expect(() => after(2)[0].split()).toThrow(TypeError)
    expect(() => after(3)[1].writeMessage(EMPTY)).toThrow(TypeError)
  })

  it('has 32, 96 and 64 bytes of its own in the messages, and refuses one less', () => {
    for (const [index, bytes] of [32, 96, 64].entries()) {
      const [a, b] = after(index)
      const [writer, reader] = index % 2 === 0 ? [a, b] : [b, a]
      const message = writer.writeMessage(EMPTY)
      expect(message).toHaveLength(bytes)
      const truncated = expect.objectContaining({ code: 'truncated', message: expect.stringContaining(`${bytes}`) })
      expect(() => reader.readMessage(message.subarray(0, bytes - 1))).toThrow(truncated)
    }
  })

  it('fails at the first encrypted part where the prologues differ', () => {
    const [a] = after(0, { prologue: Uint8Array.of(1) })
    const [, b] = after(0, { prologue: Uint8Array.of(2) })
    b.readMessage(a.writeMessage(EMPTY))
    expect(() => a.readMessage(b.writeMessage(EMPTY))).toThrow(
      expect.objectContaining({ name: 'InvalidCryptoExchangeError', code: 'forged' }),
    )
  })

  it('refuses an all-zero secret of a library that lets it pass', () => {
    const lenient = { ...native, sharedSecret: () => new Uint8Array(32) }
    const [a, b] = after(0, { crypto: lenient })
    b.readMessage(a.writeMessage(EMPTY))
    expect(() => b.writeMessage(EMPTY)).toThrow(expect.objectContaining({ code: 'weak-key' }))
  })

  it('overwrites the ephemeral key when it is done, and leaves the static one', () => {
    const [staticKeys, ephemeralKeys] = [native.generateKeyPair(), native.generateKeyPair()]
    const [a] = [state({ staticKeys, ephemeralKeys })]
    const b = state({ role: 'responder' })
    b.readMessage(a.writeMessage(EMPTY))
    a.readMessage(b.writeMessage(EMPTY))
    b.readMessage(a.writeMessage(EMPTY))
    a.split()
    expect(ephemeralKeys.privateKey).toEqual(new Uint8Array(32))
    expect(staticKeys.privateKey).not.toEqual(new Uint8Array(32))
  })
})
