import type { KeyValueStore } from '@gridmesh/block-store'
import type { Messages } from '@gridmesh/interfaces'
import { defaultKinds, Registry, transfer } from '@gridmesh/ledger'
import type { Played } from '@gridmesh/simnet/scenarios'
import { expect, it } from 'vitest'
import type { ChainServiceInit } from '../../src/chain-network/chain-service.ts'
import { crash } from '../../src/sim/chain/crash.ts'
import { SimDisk } from '../../src/sim/chain/disk.ts'
import { lyingMessages } from '../../src/sim/chain/lies.ts'
import { authorityKey } from '../../src/sim/chain/money.ts'
import { type ChainPlayInit, playChainScenario } from '../../src/sim/chain/play.ts'
import type { ChainScenario } from '../../src/sim/chain/scenario.ts'

const TIMEOUT_MS = 300_000
/** Most show themselves with the first; an authority that runs twice may make the same block twice. */
const MOST_SEEDS = 10
const TALK_MS = 3_000
/** So long that a mempool fills up between two blocks. */
const LONG_TALK_MS = 6_000
const SOON_MS = 10_000
/** So long that both sides make blocks final. */
const APART_MS = 20_000
const PROOF_MS = 45_000
/** A node that is honest, and an authority. */
const BROKEN = 0
/** One that is no authority. */
const FOLLOWER = 3
const TRANSACTION = 'transaction'

const scenario = (play: ChainScenario['play'], more: Partial<ChainScenario> = {}): ChainScenario => ({
  name: 'chain-talk',
  about: 'nodes pay for a while',
  nodes: { usual: 4, least: 4 },
  ...more,
  play,
})

/** Nodes pay each other, and then hold the same. */
const talkFor = (ms: number): ChainScenario =>
  scenario(async (stage) => {
    await stage.network.gather()
    const hush = stage.traffic()
    await stage.network.clock.sleep(ms)
    await hush()
    await stage.agree('talk: agreed', SOON_MS)
    await stage.inspect('talk')
  })
const talk = talkFor(TALK_MS)

/** With blocks that come seldom, all that follows on a talk costs little. */
const SELDOM: Partial<ChainScenario> = { consensus: { minIntervalMs: 500, maxIntervalMs: 5_000 } }
const proof = scenario(async (stage) => {
  await stage.network.gather()
  for (let i = 0; i < 5; i++) await stage.pay(stage.network.pick(stage.keepers.slice(FOLLOWER)))
  await stage.prove('proof', { withinMs: PROOF_MS })
}, SELDOM)

/** A node goes down for a moment. */
const blackout = scenario(
  async (stage) => {
    await stage.network.gather()
    const hush = stage.traffic()
    await stage.network.clock.sleep(TALK_MS)
    const [node] = stage.keepers.slice(FOLLOWER)
    if (node !== undefined) {
      stage.crash(node)
      await stage.join(node)
    }
    await hush()
  },
  { hasDisks: true },
)

/** Two sides of two nodes. */
const apart = scenario(async (stage) => {
  await stage.network.gather()
  const [a, b, c, d] = stage.network.honest
  if (a === undefined || b === undefined || c === undefined || d === undefined) return
  stage.network.network.partition([a, b], [c, d])
  await stage.network.clock.sleep(APART_MS)
  await stage.inspect('apart')
})

/** What is broken about one node. */
const only =
  (broken: number, change: (init: ChainServiceInit) => Partial<ChainServiceInit>) =>
  (init: ChainServiceInit, node: number): ChainServiceInit =>
    node === broken ? { ...init, ...change(init) } : init

/** A second node with the key of an authority. */
const twin = only(FOLLOWER, () => ({ signer: authorityKey(1) }))
/** The same, but its blocks are others, since it knows of other transactions. */
const deafTwin = only(FOLLOWER, ({ messages }) => ({
  signer: authorityKey(1),
  messages: deafTo(messages, [TRANSACTION]),
}))

/** Once on each side. */
const twins: Case['init'] = { change: twin }

/** Nobody makes a block. */
const idle: Case['init'] = { nodes: crash.nodes.least, change: (init) => ({ ...init, signer: undefined }) }

/** A disk that said that it had written what it had not. */
class LyingDisk extends SimDisk {
  override powerCut(): void {
    this.cut(this.durableBytes - 1, 0)
  }
}

/** A disk that forgets nearly all. */
class ForgetfulDisk extends SimDisk {
  override powerCut(): void {
    this.cut(Math.floor(this.durableBytes / 4), 0)
  }
}

/** A store of which something is different. */
function storeOf(
  { parts }: ChainServiceInit,
  change: (store: KeyValueStore) => Partial<KeyValueStore>,
): Partial<ChainServiceInit> {
  const store = parts?.store
  if (store === undefined) throw new RangeError('there is no store')
  const same: KeyValueStore = {
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    iterator: (range) => store.iterator(range),
    snapshot: () => store.snapshot(),
    clear: (range, options) => store.clear(range, options),
    close: () => store.close(),
    batch: (operations, options) => store.batch(operations, options),
  }
  return { parts: { ...parts, store: { ...same, ...change(store) } } }
}

function nothing(): void {}

/** Messages by which some kinds are not heard, or none at all. */
function deafTo(messages: Messages, kinds?: readonly string[]): Messages {
  const isHeard = (kind: string): boolean => kinds !== undefined && !kinds.includes(kind)
  return {
    on: (kind, handler, options) => (isHeard(kind.kind) ? messages.on(kind, handler, options) : nothing),
    respond: (kind, handler, options) => (isHeard(kind.kind) ? messages.respond(kind, handler, options) : nothing),
    broadcast: async (...args) => messages.broadcast(...args),
    send: async (...args) => messages.send(...args),
    request: async (...args) => messages.request(...args),
  }
}

const double: typeof transfer.apply = (transaction, state, block) => {
  const doubled = transaction.body.outputs.map(({ asset, amount, owner, zone }) => {
    return { asset, amount: 2 * amount, owner, zone }
  })
  transfer.apply({ ...transaction, body: { ...transaction.body, outputs: doubled } }, state, block)
}

/** Makes twice of what is paid. */
const minting = new Registry(
  defaultKinds.map((kind) => (kind.name === transfer.name ? Object.assign({}, transfer, { apply: double }) : kind)),
)

interface Case {
  law: string
  who: string
  play: ChainScenario
  init: Omit<ChainPlayInit, 'seed'>
}

const CASES: Case[] = [
  { law: 'nothing-signed-twice', who: 'an authority that runs twice', play: talk, init: { change: deafTwin } },
  {
    law: 'one-final-block',
    who: 'an authority that runs twice, once on each side',
    play: apart,
    init: twins,
  },
  {
    law: 'apart: same-blocks',
    who: 'an authority that runs twice, when all is looked at',
    play: apart,
    init: twins,
  },
  {
    law: 'nothing-acknowledged-lost',
    who: 'a disk that loses what it synced',
    play: blackout,
    init: { disk: () => new LyingDisk() },
  },
  {
    law: 'nothing-final-lost',
    who: 'a disk that loses nearly all',
    play: blackout,
    init: { disk: () => new ForgetfulDisk() },
  },
  {
    law: 'chain-works',
    who: 'a disk that fails',
    play: talk,
    init: {
      change: only(BROKEN, (init) => {
        let left = 10
        const batch = async (store: KeyValueStore, ...args: Parameters<KeyValueStore['batch']>): Promise<void> => {
          if (left-- <= 0) throw new TypeError('the disk is gone')
          await store.batch(...args)
        }
        return storeOf(init, (store) => ({ batch: async (...args) => batch(store, ...args) }))
      }),
    },
  },
  {
    law: 'talk: root-true',
    who: 'a store that does not give all entries',
    play: talk,
    init: {
      change: only(FOLLOWER, (init) => {
        let opened = 0
        return storeOf(init, (store) => ({
          iterator(range) {
            const iterator = store.iterator(range)
            opened += 1
            const skip = opened > 1
            return { close: () => iterator.close(), next: async () => (await iterator.next()).slice(skip ? 1 : 0) }
          },
        }))
      }),
    },
  },
  {
    law: 'talk: supply-exact',
    who: 'a kind of transaction that makes money',
    play: talk,
    init: { change: (init) => ({ ...init, parts: { ...init.parts, registry: minting } }) },
  },
  {
    law: 'memory-bounded',
    who: 'a mempool without the bound that it should have',
    play: { ...talkFor(LONG_TALK_MS), consensus: { minIntervalMs: 20_000, maxIntervalMs: 30_000 } },
    init: {
      limits: { maxTransactions: 1 },
      change: only(BROKEN, ({ parts }) => ({ parts: { ...parts, mempool: { maxTransactions: 1_000 } } })),
    },
  },
  {
    law: 'no-honest-peer-blamed',
    who: 'a node that says to be honest, and sends false blocks',
    play: talk,
    init: {
      change: only(BROKEN, ({ messages, genesis }) => ({
        messages: lyingMessages(messages, 'false-block', {
          genesis,
          signer: authorityKey(BROKEN),
          isLying: () => true,
        }),
      })),
    },
  },
  {
    law: 'talk: agreed',
    who: 'a node that hears nothing',
    play: talk,
    init: {
      change: only(FOLLOWER, ({ messages }) => ({ messages: deafTo(messages) })),
    },
  },
  {
    law: 'proof: paid',
    who: 'authorities that hear no transactions',
    play: proof,
    init: {
      change: (init, node) => (node === FOLLOWER ? init : { ...init, messages: deafTo(init.messages, [TRANSACTION]) }),
    },
  },
  {
    law: 'proof: final',
    who: 'a minority of authorities that make blocks',
    play: proof,
    init: { change: (init, node) => (node === BROKEN ? init : { ...init, signer: undefined }) },
  },
  { law: 'proof: final', who: 'a chain that makes no block any more', play: proof, init: idle },
  {
    law: 'proof: enough-paid',
    who: 'mempools that refuse nearly all',
    play: proof,
    init: { change: (init) => ({ ...init, parts: { ...init.parts, mempool: { maxTransactions: 1, maxWaiting: 1 } } }) },
  },
  {
    law: 'proof: enough-paid',
    who: 'a node that takes one payment, and throws at all others',
    play: scenario(async (stage) => {
      await stage.network.gather()
      const [node] = stage.keepers.slice(FOLLOWER)
      if (node === undefined) return
      await stage.pay(node)
      Object.assign(stage.chainOf(node), { submit: async () => Promise.reject(new TypeError('thrown by a test')) })
      for (let i = 0; i < 4; i++) await stage.pay(node)
      await stage.prove('proof', { withinMs: PROOF_MS })
    }, SELDOM),
    init: {},
  },
  {
    law: 'lies-told',
    who: 'a liar that tells the truth',
    play: scenario(async () => {}, { liars: () => 1, lie: () => 'false-height' }),
    init: {},
  },
  { law: 'goes-on', who: 'a chain that makes no block between crashes', play: crash, init: idle },
  { law: 'crashed-in-a-write', who: 'disks that nobody writes to', play: crash, init: idle },
]

/** What came of each, by scenario and seed: what breaks several laws is played once. */
const outcomes = new Map<Case['init'], Map<string, Promise<Played>>>()

async function outcomeOf({ play, init }: Case, seed: number): Promise<Played> {
  const key = `${play.name} ${seed}`
  const byKey = outcomes.get(init) ?? new Map<string, Promise<Played>>()
  outcomes.set(init, byKey)
  const played = byKey.get(key) ?? playChainScenario(play, { seed, ...init })
  byKey.set(key, played)
  return played
}

it.each(CASES)(
  'finds $who by the law $law',
  async (broken) => {
    const { law } = broken
    for (let seed = 1; seed <= MOST_SEEDS; seed++) {
      const { violations } = await outcomeOf(broken, seed)
      if (violations.some(({ invariant }) => invariant === law)) return
    }
    expect.fail(`${law} holds with ${MOST_SEEDS} seeds`)
  },
  TIMEOUT_MS,
)

it.each([talk, proof, blackout, apart])(
  'finds nothing in nodes that are whole',
  async (play) => {
    const { violations } = await playChainScenario(play, { seed: 1 })
    expect(violations).toEqual([])
  },
  TIMEOUT_MS,
)
