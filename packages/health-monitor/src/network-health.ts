import type { NetworkHealth } from '@gridmesh/interfaces'
import type { NetworkView, ReadyShare } from './index.ts'
import { partitionRisk } from './partition-risk.ts'

/** Judges the network as it is seen. A pure function: the same view gives the same health. */
export function networkHealth(view: NetworkView): NetworkHealth {
  const regions = [...view.regions].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const averageLatencyMs = average(view.latenciesMs)
  const risk = partitionRisk({
    unreachableShare: shareOf(view.expected.unreachable, view.expected.peers),
    tipDisagreement: shareOf(view.tips.dissenting, view.tips.compared),
    viewOverlap: view.viewOverlap,
  })
  return {
    connectedPeers: view.connectedPeers,
    authorityConnectivity: shareOf(view.authorities.ready, view.authorities.known),
    // Names of regions come from peers: entries, unlike assignments, make `__proto__` a name like any other.
    regionConnectivity: Object.fromEntries(
      regions.map(([name, { ready, known }]) => [name, shareOf(ready, known) ?? 0]),
    ),
    averageLatencyMs,
    messageSuccessRate: view.successRate,
    churnPerMinute: view.churnPerMinute,
    partitionRisk: risk,
    reasons: [
      `${count(view.connectedPeers, 'peer is', 'peers are')} connected`,
      authorityReason(view.authorities),
      // Quoted, so that no name can pass for something else.
      ...regions.map(
        ([name, { ready, known }]) => `in region ${JSON.stringify(name)} ${ready} of ${known} known peers ready`,
      ),
      latencyReason(averageLatencyMs, view.latenciesMs.length),
      view.successRate === undefined
        ? 'the success of messages is not measured'
        : `${percent(view.successRate)} of messages succeeded`,
      `${view.churnPerMinute.toFixed(1)} peers a minute came or went`,
      riskReason(risk, view),
    ],
  }
}

/** The average; `undefined` of nothing. */
export function average(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function authorityReason({ ready, known }: ReadyShare): string {
  return known === 0
    ? 'no authority is known'
    : `${ready} of ${count(known, 'known authority', 'known authorities')} ready`
}

function latencyReason(averageMs: number | undefined, peers: number): string {
  if (averageMs === undefined) return 'no latency is measured'
  return `the average latency is ${averageMs.toFixed(1)} ms over ${count(peers, 'peer', 'peers')}`
}

function riskReason(risk: number, { expected, tips, viewOverlap }: NetworkView): string {
  const signs = [
    expected.peers === 0
      ? 'no peer is expected'
      : `${expected.unreachable} of ${count(expected.peers, 'expected peer', 'expected peers')} cannot be reached`,
    tips.compared === 0 ? 'no tips can be compared' : `${tips.dissenting} of ${tips.compared} comparable tips disagree`,
    viewOverlap === undefined
      ? 'the overlap of views is not measured'
      : `the views of our peers overlap with ours by ${percent(viewOverlap)}`,
  ]
  return `the risk of a partition is ${percent(risk)}: ${signs.join(', ')}`
}

function shareOf(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`
}
