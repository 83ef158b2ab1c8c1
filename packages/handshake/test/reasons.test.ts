import { readFileSync } from 'node:fs'
import { HandshakeRejectedError, type Reason } from '@gridmesh/interfaces'
import { expect, it, vi } from 'vitest'
import { type HandshakeInit, REASON_CODES, REFUSAL_CODES } from '../src/index.ts'
import { dialRaw, makeHello, makeNode, makeStranger, prefixed, type RawFrames, type TestNode } from './helpers.ts'

/** Why a node did not get ready with another, as it learnt it. */
async function reasonAt(here: TestNode, there: TestNode): Promise<Reason> {
  return here.handshake.whenReady(there.node.peerId).then(
    () => Promise.reject(new RangeError('it is ready')),
    (err: unknown) => {
      if (err instanceof HandshakeRejectedError) return err.reason
      throw err
    },
  )
}

it.each<[string, Partial<HandshakeInit>, Partial<HandshakeInit>, Partial<Reason>]>([
  ['wrong-chain', {}, { chainId: 'other' }, { limit: 'chainId' }],
  ['wrong-genesis', {}, { genesisHash: 'ff' }, { limit: 'genesisHash' }],
  ['no-common-version', {}, { protocol: { min: 2, max: 3 } }, {}],
  ['unauthorised', {}, { authorise: () => Promise.reject(new TypeError('broken')) }, { limit: 'authorise' }],
  ['unavailable', {}, { credentials: () => Promise.reject(new TypeError('broken')) }, { limit: 'credentials' }],
  [
    'too-small',
    {},
    { authorise: () => ({ code: 'too-small', message: 'minStake is 5', limit: 'minStake', value: 5 }) },
    { limit: 'minStake', value: 5 },
  ],
])('tells both ends of %s, with what to change', async (code, near, far, expected) => {
  const [a, b] = [await makeNode(near), await makeNode(far)]
  await a.node.dial(b.address)
  await vi.waitFor(() => expect(b.node.getConnections()).toHaveLength(1))
  const [here, there] = await Promise.all([reasonAt(a, b), reasonAt(b, a)])
  expect([here.code, there.code]).toEqual([code, code])
  for (const reason of [here, there]) {
    expect(reason).toMatchObject(expected)
    expect(reason.limit).toBeDefined()
    expect(reason.message).not.toBe('')
  }
})

/** Speaks to a node by hand, and resolves with the reason that it tells and the one that it tells its own user. */
async function provoke(
  init: Partial<HandshakeInit>,
  attack: (raw: RawFrames) => void,
): Promise<{ told: Reason | undefined; known: Reason | undefined }> {
  const victim = await makeNode(init)
  const refused: Reason[] = []
  victim.handshake.addEventListener('peer:refused', ({ detail }) => refused.push(detail.reason))
  const raw = await dialRaw(await makeStranger(), victim.address)
  attack(raw)
  let told: Reason | undefined
  while (told === undefined) {
    const frame = await raw.read()
    if (frame.kind === 'verdict') told = frame.refusal
    if (frame.kind === 'goodbye') told = frame.reason
  }
  await raw.stream.close()
  await vi.waitFor(() => expect(refused).toHaveLength(1))
  return { told, known: refused[0] }
}

it('tells both ends of a clock that is off, with the limit and its value', async () => {
  const hello = makeHello({ timeMs: Date.now() - 120_000 })
  const { told, known } = await provoke({ maxClockSkewMs: 60_000 }, (raw) => raw.write({ kind: 'hello', hello }))
  expect(told).toMatchObject({ code: 'clock-skew', limit: 'maxClockSkewMs', value: 60_000 })
  expect(known).toEqual(told)
})

it.each<[string, Partial<HandshakeInit>, (raw: RawFrames) => void, Partial<Reason>]>([
  [
    'a frame of more than maxFrameBytes',
    { maxFrameBytes: 1_000 },
    (raw) => raw.writeBytes(prefixed(new Uint8Array(1_001))),
    { limit: 'maxFrameBytes', value: 1_000 },
  ],
  [
    'a list of more than maxCapabilities',
    { maxCapabilities: 2 },
    (raw) => raw.write({ kind: 'hello', hello: makeHello({ capabilities: ['a', 'b', 'c'] }) }),
    { limit: 'maxCapabilities', value: 2 },
  ],
  [
    'a list of more than maxListenAddresses',
    { maxListenAddresses: 1 },
    (raw) => raw.write({ kind: 'hello', hello: makeHello({ listenAddresses: ['/memory/a', '/memory/b'] }) }),
    { limit: 'maxListenAddresses', value: 1 },
  ],
])('tells both ends of %s, with the limit and its value', async (_what, init, attack, expected) => {
  const { told, known } = await provoke(init, attack)
  expect(told).toMatchObject({ code: 'protocol-violation', ...expected })
  expect(known).toEqual(told)
})

it('names each of its codes once', () => {
  expect(new Set(REASON_CODES).size).toBe(REASON_CODES.length)
  expect(REASON_CODES.slice(0, REFUSAL_CODES.length)).toEqual(REFUSAL_CODES)
})

it('has each of its codes in the table of reasons', () => {
  const page = readFileSync(new URL('../../../docs/reasons.md', import.meta.url), 'utf8')
  for (const code of REASON_CODES) expect(page).toContain(`\`${code}\``)
})
