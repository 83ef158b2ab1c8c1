import {
  createSimulation,
  type Invariant,
  type SimulationLevel,
  type SimulationResult,
  thailandLatency,
  type TraceEvent,
} from '@gridmesh/simnet'
import type { SimServices } from './app.ts'
import type { Observation } from './ledger.ts'
import { Play } from './play.ts'
import { type Cast, type NodeKit, type NodeSettings, type Scenario, SEEDS } from './scenario.ts'

/** How a scenario is played. */
export interface PlayInit {
  /** Makes the modules of each node. */
  kit: NodeKit
  seed: number | string
  /** @default what is usual for the scenario */
  nodes?: number
  /** @default 'host' */
  level?: SimulationLevel
  /** Longest run, in real ms. @default the simulator's */
  maxWallMs?: number
  /** Events before a violation that are kept for its report. @default 50 */
  lastEvents?: number
  /** Is given each event, to write a trace. @default none */
  onTrace?: (event: TraceEvent) => void
  /** Further laws to look at. @default [] */
  laws?: readonly Invariant<SimServices>[]
  signal?: AbortSignal
}

/** A node as it was at the end. */
export interface PlayedNode {
  readonly index: number
  readonly region: string
  readonly isHonest: boolean
  readonly status: 'up' | 'crashed' | 'stopped'
  /** Nodes with a higher number that it was connected to. */
  readonly links: readonly number[]
}

/** What became of a scenario. */
export interface Played extends SimulationResult {
  readonly scenario: string
  readonly level: SimulationLevel
  readonly topology: readonly PlayedNode[]
  /** Every delivery that was expected and took place. */
  readonly observations: readonly Observation[]
}

/** Plays a scenario once. @throws {RangeError} when it makes no sense with so few nodes, and what the simulator throws */
export async function playScenario(scenario: Scenario, init: PlayInit): Promise<Played> {
  const { seed, kit, level = 'host', nodes = scenario.nodes.usual, signal } = init
  if (!(nodes >= scenario.nodes.least)) {
    throw new RangeError(`${scenario.name} takes ${scenario.nodes.least} nodes or more, not ${nodes}`)
  }
  const attackers = scenario.attackers?.(nodes) ?? 0
  const cast: Cast = { nodes, attackers, honest: nodes - attackers }
  const ip = scenario.ip?.bind(scenario, cast)
  const bootstrap = await addressesOf(seed, Math.min(SEEDS, cast.honest), ip)
  const settings = (index: number): NodeSettings => ({
    modules: 'all',
    bootstrap,
    minPeers: 3,
    targetPeers: 8,
    maxInbound: 50,
    maxPeers: 1_000,
    messagesPerSecond: 100,
    gossipDegree: 8,
    strategy: 'gossip',
    ...scenario.settings?.(cast, index),
  })
  const play = new Play(scenario, cast, kit, settings)
  const simulation = createSimulation<SimServices>({
    seed,
    level,
    nodes,
    links: scenario.links ?? { latency: thailandLatency(), jitterMs: 2 },
    options: (plan) => play.build(plan),
    invariants: [...play.laws(), ...(init.laws ?? [])],
    ...(ip === undefined ? {} : { ip }),
    ...(init.maxWallMs === undefined ? {} : { maxWallMs: init.maxWallMs }),
    ...(init.lastEvents === undefined ? {} : { lastEvents: init.lastEvents }),
    ...(init.onTrace === undefined ? {} : { onTrace: init.onTrace }),
  })
  const result = await simulation.run((context) => play.run(context), signal === undefined ? {} : { signal })
  const { topology, observations } = play
  return { ...result, scenario: scenario.name, level, topology, observations }
}

/** Where the first nodes will be: keys come from the seed, so that a run of no time tells. */
async function addressesOf(
  seed: number | string,
  nodes: number,
  ip: ((index: number) => string) | undefined,
): Promise<string[]> {
  const addresses: string[] = []
  const simulation = createSimulation({ seed, nodes, ...(ip === undefined ? {} : { ip }) })
  await simulation.run(async (context) => {
    for (const { address } of context.nodes) addresses.push(address.toString())
  })
  return addresses
}
