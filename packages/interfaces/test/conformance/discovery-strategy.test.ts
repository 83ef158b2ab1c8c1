import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { discoveryStrategyConformance } from '../../src/conformance/index.ts'
import type { Candidate, DiscoveryStrategy } from '../../src/index.ts'

const found: Candidate = {
  id: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
  addresses: [multiaddr('/ip4/192.0.2.1/tcp/9000')],
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** One that goes on until it is told to end, with something in its place. */
function strategy(changes: Partial<DiscoveryStrategy> = {}): () => DiscoveryStrategy {
  return () => ({
    name: 'one-peer',
    async *discover({ signal }) {
      yield found
      await aborted(signal)
    },
    ...changes,
  })
}

const casesOf = (create: () => DiscoveryStrategy) =>
  discoveryStrategyConformance({ create: () => ({ strategy: create(), stop: () => undefined }), patienceMs: 200 })

it.each(casesOf(strategy()).map(({ name, run }) => [name, run] as const))(
  'passes for a strategy that never ends by itself: %s',
  async (_, run) => {
    await expect(run()).resolves.toBeUndefined()
  },
)

const BROKEN: [fault: string, create: () => DiscoveryStrategy, caught: string][] = [
  ['has a name with capitals', strategy({ name: 'OnePeer' }), 'has a stable name in kebab-case'],
  ['finds nobody', strategy({ async *discover() {} }), 'finds peers, each with an id and addresses to dial'],
  [
    'gives no address',
    strategy({
      async *discover() {
        yield { ...found, addresses: [] }
      },
    }),
    'finds peers, each with an id and addresses to dial',
  ],
  [
    'does not heed its signal',
    strategy({
      async *discover() {
        yield found
        await new Promise(() => undefined)
      },
    }),
    'ends without an error when the signal aborts',
  ],
  [
    'throws when it is aborted',
    strategy({
      async *discover({ signal }) {
        yield found
        await aborted(signal)
        signal.throwIfAborted()
      },
    }),
    'ends without an error under a signal that is aborted, and another run goes on',
  ],
  [
    'can be run once',
    () => {
      let runs = 0
      return strategy({
        async *discover() {
          if (runs++ === 0) yield found
        },
      })()
    },
    'may be run again',
  ],
  [
    'chokes on needs that it does not know',
    strategy({
      async *discover({ need }) {
        if (need.some(({ role }) => role !== undefined)) throw new RangeError('no such role')
        yield found
      },
    }),
    'takes any needs',
  ],
]

it.each(BROKEN)('is caught: a strategy that %s', async (_, create, caught) => {
  const { run } = casesOf(create).find(({ name }) => name === caught) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})
