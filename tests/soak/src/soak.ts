import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@gridmesh-internal/support'
import { type GridmeshNode, type PreparedNode, planDevnet, prepareFiles } from '@gridmesh/node'
import { MIN_SAMPLES } from './bounds.ts'
import { whenBackTo } from './calm.ts'
import { LEAKS, type LeakName } from './leaks.ts'
import { startNode } from './network.ts'
import { PeerNode } from './peer-node.ts'
import { Rounds, type Totals } from './rounds.ts'
import { activeResources, Sampler } from './sampler.ts'
import type { Sample } from './verdict.ts'
import { Worker } from './worker.ts'

/** Nodes in processes of their own, beside the observed one. */
const PEERS = 3

/** How a soak is run. */
export interface SoakInit {
  /** Shortest time of the run, in ms; it goes on until there are samples enough. */
  totalMs: number
  /** Leak that is added in each round. */
  leak?: LeakName | undefined
  /** Ends the soak early, in order. */
  signal: AbortSignal
  onRound(totals: Readonly<Totals>, sample: Sample): void
}

/** How a soak went. */
export interface SoakResult {
  samples: Sample[]
  totals: Totals
  /** What is open once the observed node has stopped and was not before it was made, by type. */
  leftovers: Record<string, number>
}

/** Runs a network under load and churn, and counts what one node of it, in this process, holds. */
export async function soak(init: SoakInit): Promise<SoakResult> {
  const data = mkdtempSync(join(tmpdir(), 'gridmesh-soak-'))
  const peers: PeerNode[] = []
  // However this process ends, no other is left behind.
  const abandon = (): void => {
    for (const peer of peers) void peer.kill()
    rmSync(data, { recursive: true, force: true, maxRetries: 5 })
  }
  process.on('exit', abandon)
  try {
    const [own, ...others] = await prepare(data)
    const baseline = activeResources()
    peers.push(...others.map((other) => new PeerNode(other, join(data, 'compile-cache'))))
    const result = await observe(await startNode(own.config), peers, init)
    return { ...result, leftovers: await whenBackTo(baseline) }
  } finally {
    process.off('exit', abandon)
    rmSync(data, { recursive: true, force: true })
  }
}

async function prepare(data: string): Promise<[PreparedNode, ...PreparedNode[]]> {
  const nodes = PEERS + 1
  const base = await freePorts(nodes * 2)
  const plan = planDevnet({ nodes, baseHttp: base, baseP2p: base + nodes })
  return (await prepareFiles(data, 'gridtokenx', plan)) as [PreparedNode, ...PreparedNode[]]
}

type Observed = Pick<SoakResult, 'samples' | 'totals'>

async function observe(node: GridmeshNode, peers: readonly PeerNode[], init: SoakInit): Promise<Observed> {
  const rounds = new Rounds(node, peers, await Worker.attach(node), init.totalMs)
  const samples: Sample[] = []
  const interrupted = new AbortController()
  try {
    const run = async (): Promise<void> => {
      await Promise.all(peers.map((peer) => peer.start()))
      await rounds.settle()
      await sampleRounds(node, rounds, samples, init)
    }
    const end = init.signal.aborted ? undefined : once(init.signal, 'abort', { signal: interrupted.signal })
    await Promise.race([run(), end])
    return { samples, totals: rounds.totals }
  } finally {
    interrupted.abort()
    // First the observed node, while its peers still try to reach it.
    await node.stop()
    await Promise.all(peers.map((peer) => peer.close()))
  }
}

async function sampleRounds(node: GridmeshNode, rounds: Rounds, samples: Sample[], init: SoakInit): Promise<void> {
  const sampler = new Sampler(node)
  const since = performance.now()
  const elapsedMs = (): number => performance.now() - since
  // A busy machine gets more time rather than too few samples.
  while ((elapsedMs() < init.totalMs || samples.length < MIN_SAMPLES) && !init.signal.aborted) {
    await rounds.run()
    if (init.leak !== undefined) await LEAKS[init.leak](node)
    const sample = { atMs: elapsedMs(), values: await sampler.read() }
    samples.push(sample)
    init.onRound(rounds.totals, sample)
  }
}
