import type { PoaInit, PoaRulesInit } from '@gridmesh/consensus'
import { addressOf, toHex } from '@gridmesh/ledger'
import type { Invariant, NodeOptions, NodePlan } from '@gridmesh/simnet'
import {
  type ModuleServices,
  type NodeKit,
  type NodeSettings,
  type Played,
  type PlayInit,
  playScenario,
  type SimServices,
  type Usage,
} from '@gridmesh/simnet/scenarios'
import type { ChainService, ChainServiceInit } from '../../chain-network/chain-service.ts'
import { wholeNode, wholeUsage } from '../kit.ts'
import { SimDisk } from './disk.ts'
import { lyingMessages } from './lies.ts'
import { authorityKey, Money, strangerKey } from './money.ts'
import { Place } from './place.ts'
import type { ChainCast, ChainScenario, LieName } from './scenario.ts'
import { rememberingVerifier } from './remembering-verifier.ts'
import { simChain } from './sim-chain.ts'
import { ChainStage, type Stage } from './stage.ts'
import { messagesOf } from './versions.ts'
import { Faults, Witness } from './witness.ts'

const AUTHORITIES = 3
/** Parts in which a state is fetched: so many that it takes until all peers are there. */
const PIECES = 128
/** Rules that let blocks come fast. */
const RULES: PoaRulesInit & PoaInit = {
  minIntervalMs: 300,
  maxIntervalMs: 2_000,
  fallbackMs: 600,
  maxClockAheadMs: 300,
}

/** What a chain may hold beside its blocks, all of it less than it may on a network that is not simulated. */
const LIMITS = {
  maxSideBlocks: 400,
  maxSideBytes: 4_194_304,
  maxQueuedBlocks: 64,
  maxEarlyBlocks: 16,
  maxMarks: 256,
  maxTransactions: 2_000,
  maxWaiting: 200,
}
/** Those of a sync, which are its defaults. */
const MAX_BUFFERED_BYTES = 67_108_864
const MAX_HEADERS_AHEAD = 10_000

/** How a scenario of the chain is played. */
export interface ChainPlayInit extends Omit<PlayInit, 'kit' | 'laws'> {
  /** Changes what the chain of a node is made of, to break it. @default nothing */
  change?: (init: ChainServiceInit, node: number) => ChainServiceInit
  /** Bounds that hold on every node. @default those of `LIMITS` */
  limits?: Partial<typeof LIMITS>
  /** Makes the disk of a node, where the scenario has disks. @default one that loses what is not synced */
  disk?: () => SimDisk
}

/** Plays a scenario of the chain once. @throws what `playScenario` throws */
export async function playChainScenario(scenario: ChainScenario, init: ChainPlayInit): Promise<Played> {
  const { change, disk, limits, ...playing } = init
  const nodes = init.nodes ?? scenario.nodes.usual
  const { liars } = scenario
  const play = new ChainPlay(scenario, nodes, { change, disk, limits: { ...LIMITS, ...limits } })
  const played = await playScenario(
    {
      name: scenario.name,
      about: scenario.about,
      nodes: scenario.nodes,
      ...(liars !== undefined && { attackers: liars }),
      play: async (stage) => play.run(stage),
    },
    { ...playing, kit: play, laws: play.laws() },
  )
  return { ...played, ...play.figures() }
}

/** What is different from what is usual. */
interface Changes {
  readonly change: ChainPlayInit['change'] | undefined
  readonly disk: ChainPlayInit['disk'] | undefined
  readonly limits: typeof LIMITS
}

/** One performance: what the nodes are made of, and what outlives them. */
class ChainPlay implements NodeKit {
  readonly #scenario: ChainScenario
  readonly #cast: ChainCast
  readonly #changes: Changes
  readonly #authorities: readonly number[]
  readonly #money: Money
  readonly #faults = new Faults()
  readonly #witness: Witness
  /** All nodes check the same signatures: once is enough, since what comes of it depends on nothing else. */
  readonly #verify = rememberingVerifier()
  readonly #places = new Map<number, Place>()
  readonly #chains = new Map<number, ChainService>()
  /** Lies that were told. */
  readonly #lies = new Set<LieName>()
  #stage: ChainStage | undefined
  #played: Stage | undefined

  constructor(scenario: ChainScenario, nodes: number, changes: Changes) {
    this.#scenario = scenario
    this.#cast = { nodes, honest: nodes - (scenario.liars?.(nodes) ?? 0) }
    this.#changes = changes
    const usual = Array.from({ length: Math.min(AUTHORITIES, this.#cast.honest) }, (_, at) => at)
    this.#authorities = scenario.authorities?.(this.#cast) ?? usual
    this.#money = new Money(scenario.name, this.#authorities.length, nodes)
    const honest = this.#authorities.flatMap((node, at) => (node < this.#cast.honest ? [authorityKey(at)] : []))
    this.#witness = new Witness({
      honestAuthorities: new Set(honest.map(({ publicKey }) => toHex(addressOf(publicKey)))),
      honestIndexOf: (peer) => this.#played?.honestIndexOf(peer),
      nowMs: () => this.#played?.clock.nowMs ?? 0,
      note: this.#faults.note,
    })
  }

  build(plan: NodePlan, settings: NodeSettings): NodeOptions<ModuleServices> {
    const { index } = plan
    const { checkpointsEvery } = this.#scenario
    const version = this.#scenario.version?.(this.#cast, index)
    const options = wholeNode(plan, settings, version !== 'without-chain')
    this.#chains.delete(index)
    if (version === 'without-chain') return options
    const authority = this.#authorities.indexOf(index)
    const chain = simChain({
      node: index,
      place: this.#placeOf(index),
      version,
      chain: {
        name: this.#scenario.name,
        genesis: this.#money.genesis,
        consensus: { ...RULES, ...this.#scenario.consensus },
        verify: this.#verify,
        ...(checkpointsEvery !== undefined && { checkpointBehind: Math.floor(checkpointsEvery / 2) }),
        ...(authority !== -1 && { signer: authorityKey(authority) }),
      },
      change: (init) => this.#change(init, index),
      witness: index < this.#cast.honest ? this.#witness : undefined,
      onOpened: (service) => this.#chains.set(index, service),
    })
    // The contracts know no chain: it is one service more.
    const services = { ...options.services, chain }
    return { ...options, services }
  }

  *usage(services: ModuleServices, settings: NodeSettings): Iterable<Usage> {
    yield* wholeUsage(services, settings)
    for (const [node, service] of this.#chains) {
      if (this.#played?.nodes[node]?.services === services) yield* usageOf(service, this.#changes.limits)
    }
  }

  laws(): Invariant<SimServices>[] {
    return [
      { name: 'chains-told', check: ({ expect }) => this.#faults.attach((law, told) => expect(law, false, told)) },
    ]
  }

  async run(stage: Stage): Promise<void> {
    this.#played = stage
    this.#faults.attach((law, told) => stage.expect(law, false, told))
    this.#stage = new ChainStage({
      stage,
      money: this.#money,
      witness: this.#witness,
      chains: this.#chains,
      placeOf: (node) => this.#placeOf(node),
      forget: (node) => {
        this.#places.delete(node)
        this.#witness.forget(node)
      },
    })
    await this.#scenario.play(this.#stage)
    for (const { index } of stage.attackers) {
      const lie = this.#scenario.lie?.(this.#cast, index)
      stage.expect('lies-told', lie === undefined || this.#lies.has(lie), `Nobody told the lie ${lie}`)
    }
  }

  /** Payments, and when they came into blocks of each honest node. */
  figures(): Pick<Played, 'deliveredRatio' | 'p50Ms' | 'p99Ms' | 'observations'> {
    const paid = this.#stage?.paid ?? new Map<string, number>()
    // Who took a state never saw the blocks before it.
    const { tookState, included } = this.#witness
    const observations = [...paid].flatMap(([id, atMs]) =>
      [...(included.get(id) ?? [])].flatMap(([node, seenMs]) =>
        tookState.has(node) ? [] : { id, node, delayMs: seenMs - atMs },
      ),
    )
    const delays = observations.map(({ delayMs }) => delayMs).toSorted((a, b) => a - b)
    const quantile = (share: number): number => delays[Math.ceil(share * delays.length) - 1] ?? 0
    const expected = paid.size * (this.#stage?.keepers.filter(({ index }) => !tookState.has(index)).length ?? 0)
    const deliveredRatio = expected === 0 ? 1 : observations.length / expected
    return { deliveredRatio, p50Ms: quantile(0.5), p99Ms: quantile(0.99), observations }
  }

  #placeOf(node: number): Place {
    const { hasDisks = false } = this.#scenario
    const disk = hasDisks ? (this.#changes.disk ?? (() => new SimDisk()))() : undefined
    const place = this.#places.get(node) ?? new Place(disk)
    this.#places.set(node, place)
    return place
  }

  /** Bounds for all, and what is different on this node. */
  #change(init: ChainServiceInit, node: number): ChainServiceInit {
    const { maxTransactions, maxWaiting, ...limits } = this.#changes.limits
    const { checkpointsEvery: every = 0 } = this.#scenario
    const parts = {
      ...init.parts,
      limits,
      mempool: { maxTransactions, maxWaiting },
      checkpoints: { every, pieces: PIECES },
    }
    const messages = this.#messagesOf(init, node)
    return this.#changes.change?.({ ...init, parts, messages }, node) ?? { ...init, parts, messages }
  }

  #messagesOf({ messages, genesis }: ChainServiceInit, node: number): ChainServiceInit['messages'] {
    const version = this.#scenario.version?.(this.#cast, node)
    if (version !== undefined) return messagesOf(version, messages)
    const lie = node < this.#cast.honest ? undefined : this.#scenario.lie?.(this.#cast, node)
    if (lie === undefined) return messages
    const authority = this.#authorities.indexOf(node)
    const signer = authority === -1 ? strangerKey() : authorityKey(authority)
    return lyingMessages(messages, lie, {
      genesis,
      signer,
      isLying: () => this.#played?.attack.isOn === true,
      onLie: () => this.#lies.add(lie),
    })
  }
}

function* usageOf({ chain, sync }: ChainService, limits: typeof LIMITS): Iterable<Usage> {
  const { sideBlocks, sideBytes, queuedBlocks, earlyBlocks, marks } = chain.stats()
  yield { name: 'blocks beside the chain', used: sideBlocks, limit: limits.maxSideBlocks }
  yield { name: 'bytes of them', used: sideBytes, limit: limits.maxSideBytes }
  yield { name: 'blocks that wait for import', used: queuedBlocks, limit: limits.maxQueuedBlocks }
  yield { name: 'early blocks', used: earlyBlocks, limit: limits.maxEarlyBlocks }
  yield { name: 'marks of invalid blocks', used: marks, limit: limits.maxMarks }
  const { transactions, waiting } = chain.mempool.stats()
  yield { name: 'transactions of the mempool', used: transactions, limit: limits.maxTransactions }
  yield { name: 'transactions that wait', used: waiting, limit: limits.maxWaiting }
  const { bufferedBytes, headersAhead } = sync.status()
  yield { name: 'bytes of the sync', used: bufferedBytes, limit: MAX_BUFFERED_BYTES }
  yield { name: 'headers of the sync', used: headersAhead, limit: MAX_HEADERS_AHEAD }
}
