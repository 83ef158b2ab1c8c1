import { afterEach, beforeEach, expect, vi } from 'vitest'
import {
  type ConsensusEvents,
  memoryRecord,
  poa,
  type PoaEngine,
  type PoaInit,
  type PoaPorts,
  poaRules,
  type PoaRulesInit,
  type SigningRecord,
} from '../src/index.ts'
import { addressesOf, codec, openBlock, sealBlock, signerOf } from './blocks.ts'
import { SimChain } from './sim-chain.ts'

interface Setup {
  engine: PoaEngine
  chain: SimChain
  record: SigningRecord
  published: [kind: string, bytes: Uint8Array][]
  events: { [Name in keyof ConsensusEvents]: ConsensusEvents[Name]['detail'][] }
  /** Heights and times of the blocks that were published. */
  made: () => [height: number, timeMs: number][]
}

/** What is not as usual. */
interface SetupInit {
  address?: string
  isFollower?: boolean
  count?: number
  chain?: SimChain
  record?: SigningRecord
  rules?: PoaRulesInit
  ports?: Partial<PoaPorts>
  init?: PoaInit
}

const engines: PoaEngine[] = []

/** An engine on a chain in memory, and what it told. */
export function setUp({ address = 'b', count = 3, isFollower = false, ports, init, ...given }: SetupInit = {}): Setup {
  const rules = poaRules(given.rules)
  const chain = given.chain ?? new SimChain(rules, addressesOf(count))
  const record = given.record ?? memoryRecord()
  const published: Setup['published'] = []
  const publish = async (kind: string, bytes: Uint8Array): Promise<void> => {
    published.push([kind, bytes])
    return Promise.resolve()
  }
  const identity = isFollower ? {} : { identity: { signer: signerOf(address), record } }
  const engine = poa(
    { rules, chain, mempool: chain.mempool, network: { publish }, headers: codec, ...identity, ...ports },
    init,
  )
  engines.push(engine)
  const events: Setup['events'] = {
    'consensus:proposed': [],
    'consensus:final': [],
    'consensus:equivocation': [],
    'consensus:fault': [],
  }
  for (const name of Object.keys(events) as (keyof ConsensusEvents)[]) {
    engine.addEventListener(name, ({ detail }) => void (events[name] as unknown[]).push(detail))
  }
  const made: Setup['made'] = () =>
    published
      .filter(([kind]) => kind === 'block')
      .map(([, bytes]) => [openBlock(bytes).height, openBlock(bytes).timeMs])
  return { engine, chain, record, published, events, made }
}

/** A block on the head, by whoever is in turn unless said otherwise. */
export function next(chain: SimChain, timeMs = Date.now(), proposer?: string, salt = ''): Uint8Array {
  const { header, authorities } = chain.head()
  const height = header.height + 1
  const inTurn = authorities[height % authorities.length] ?? ''
  return sealBlock({ height, parent: header.hash, timeMs, proposer: proposer ?? inTurn, salt, transactions: [] })
}

/** Lets time pass. */
export const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms))

/** Fake timers for each test, after which all engines are stopped and no timer is left. */
export function underFakeTimers(): void {
  beforeEach(() => vi.useFakeTimers({ now: 0 }))
  afterEach(async () => {
    await Promise.all(engines.splice(0).map(async (engine) => engine.stop()))
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
}

/** Leaves an engine as a crash would, with whatever it waits for. */
export function abandon(engine: PoaEngine): void {
  engines.splice(engines.indexOf(engine), 1)
}
