import { randomBytes } from 'node:crypto'
import { BROADCAST_HANDLER } from '@gridmesh/broadcast'
import type { Unsealed } from '@gridmesh/interfaces'
import { bytesCodec, defineRequest } from '@gridmesh/message-router'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { expectEachHas } from '../src/expectations.ts'
import { labelled } from '../src/inbox.ts'
import { KINDS, QUESTION } from '../src/kinds.ts'
import type { MeshNode } from '../src/mesh-node.ts'
import { Mesh, SOON } from '../src/mesh.ts'

const MAX_BYTES = 64 * 1_024

let mesh: Mesh
let victim: MeshNode
let honest: MeshNode
let hostile: MeshNode
beforeAll(async () => {
  mesh = await Mesh.start(3, {
    envelope: { maxBytes: MAX_BYTES },
    // The laws here are about what errors do to others: the culprit itself is to stay, whatever it does.
    peerManager: { disconnectReputation: -99, banReputation: -100, halfLifeMs: 50 },
  })
  ;[victim, honest, hostile] = [mesh.node(0), mesh.node(1), mesh.node(2)]
  for (const { services } of mesh.nodes) services.messages.respond(QUESTION, (value) => value)
})
afterAll(() => mesh.stop())

/** A message as the router would put it into an envelope: one value for one recipient. */
function batch(value: Uint8Array, recipient?: MeshNode): Uint8Array {
  const to = recipient === undefined ? [] : [field(2, recipient.peerId.toMultihash().bytes)]
  return Buffer.concat([field(1, value), ...to])
}

/** A protobuf field of bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const length: number[] = []
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128)
    if (rest < 128) break
  }
  return Uint8Array.from([(number << 3) | 2, ...length, ...bytes])
}

async function sealed(by: MeshNode, message: Unsealed): Promise<Uint8Array> {
  return by.services.envelope.seal(message)
}

const order = (payload: Uint8Array): Unsealed => ({ kind: 'order', lane: 'normal', payload })

/** What a hostile peer sends in the place of a message, and the code it gets for it. */
const FAULTS: Record<string, { code: string; bytes: () => Promise<Uint8Array> }> = {
  // By chance, random bytes are an envelope of another version.
  malformed: { code: 'malformed', bytes: async () => new Uint8Array(200).fill(0xff) },
  'malformed inside a good envelope': {
    code: 'malformed',
    bytes: async () => sealed(hostile, order(new Uint8Array(200).fill(0xff))),
  },
  empty: { code: 'malformed', bytes: async () => new Uint8Array() },
  oversized: { code: 'too-large', bytes: async () => randomBytes(4 * MAX_BYTES) },
  incomplete: {
    code: 'malformed',
    bytes: async () => (await sealed(hostile, order(batch(labelled('cut'), victim)))).subarray(0, -20),
  },
  'of an unknown kind': {
    code: 'unknown-kind',
    bytes: async () => sealed(hostile, { ...order(batch(labelled('strange'), victim)), kind: 'stranger' }),
  },
  'meant for another': {
    code: 'wrong-recipient',
    bytes: async () => sealed(hostile, order(batch(labelled('other'), honest))),
  },
  'with a forged signature': {
    code: 'invalid-signature',
    bytes: async () => {
      const bytes = await sealed(hostile, order(batch(labelled('forged'), victim)))
      return bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1)
    },
  },
}

async function sendFault(bytes: Uint8Array, handler = 'message'): Promise<string> {
  return hostile.services.unicast.send(victim.peerId, handler, bytes).then(
    () => 'taken',
    (err: Error & { code?: string }) => err.code ?? err.name,
  )
}

describe('a message that is', () => {
  it.each(Object.entries(FAULTS))('%s is refused by name at both ends', async (_, { code, bytes }) => {
    const counted = (): number => {
      const kinds = victim.services.messages.stats().peers.get(hostile.id)?.values() ?? []
      return [...kinds].reduce((sum, { errors }) => sum + (errors[code] ?? 0), 0)
    }
    const before = counted()
    expect(await sendFault(await bytes())).toBe(code)
    expect(counted()).toBe(before + 1)
  })
})

/** Bytes on a stream of unicast that are no frame. */
async function breakFraming(): Promise<void> {
  const stream = await hostile.libp2p.dialProtocol(victim.peerId, '/gridmesh/unicast/1/normal')
  stream.send(Uint8Array.from({ length: 500 }, () => 0xff))
  await vi.waitFor(() => expect(stream.status).not.toBe('open'), SOON)
}

const ATTACKS: Record<string, () => Promise<unknown>> = {
  ...Object.fromEntries(
    Object.entries(FAULTS).map(([name, { bytes }]) => [name, async () => sendFault(await bytes())]),
  ),
  'garbage in a flood': async () => sendFault(randomBytes(300), BROADCAST_HANDLER),
  'garbage on a topic': async () => hostile.services.broadcast.publish('order', randomBytes(300)),
  'a broken stream': breakFraming,
}

let run = 0

it('whatever one peer sends, the traffic, reputation and connection of every other are as if it were not there', async () => {
  const links = victim.linksTo(honest).map(({ id }) => id)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(ATTACKS)), { minLength: 5, maxLength: 30 }),
      async (names) => {
        const words = Array.from({ length: 20 }, (_, index) => `honest ${++run} ${index}`)
        // An attack may fail, as one does whose stream was refused.
        const attacks = Promise.allSettled(names.map(async (name) => ATTACKS[name]?.()))
        const sends = words.map(async (word) =>
          honest.services.messages.send(victim.peerId, KINDS.high, labelled(word)),
        )
        const published = words.map(async (word) =>
          victim.services.messages.broadcast(KINDS.normal, labelled(`${word} to all`)),
        )
        const answers = await Promise.all(
          words.map(async (word) => honest.services.messages.request(victim.peerId, QUESTION, labelled(word))),
        )
        expect(answers).toEqual(words.map((word) => labelled(word)))
        await Promise.all([...sends, ...published])
        await attacks
        await expectEachHas([victim], words)
        await expectEachHas(
          [honest],
          words.map((word) => `${word} to all`),
        )

        for (const [one, other] of [
          [victim, honest],
          [honest, victim],
        ] as const) {
          const { peerManager, messages } = one.services
          expect(peerManager.explain(other.peerId).filter((line) => !line.includes('useful'))).toEqual([])
          expect(peerManager.reputation(other.peerId)).toBeGreaterThanOrEqual(0)
          for (const { errors, dropped } of messages.stats().peers.get(other.id)?.values() ?? []) {
            expect({ errors, dropped }).toEqual({ errors: {}, dropped: 0 })
          }
        }
        expect(victim.linksTo(honest).map(({ id }) => id)).toEqual(links)
        for (const { inbox } of mesh.nodes) expect(inbox.repeated()).toEqual([])
      },
    ),
    { numRuns: 6, endOnFailure: true },
  )
  // It was no peaceful afternoon: the culprit, and nobody else, was blamed for it.
  expect(victim.services.peerManager.explain(hostile.peerId).join('\n')).toContain('protocol-violation')
})

it('an idempotent request whose handler says when to come again is answered then, and is no replay', async () => {
  const later = defineRequest({ kind: 'later', codec: bytesCodec, reply: bytesCodec })
  let calls = 0
  const end = victim.services.messages.respond(later, (value) => {
    calls += 1
    if (calls === 1) throw Object.assign(new RangeError('not yet'), { code: 'warming-up', retryAfterMs: 1 })
    return value
  })
  const question = labelled('later')
  const answer = honest.services.messages.request(victim.peerId, later, question, { idempotent: true })
  expect(await answer).toEqual(question)
  expect(calls).toBe(2)
  end()
})
