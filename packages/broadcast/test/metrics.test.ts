import type { Counter, CounterGroup, Histogram } from '@libp2p/interface'
import { expect, it } from 'vitest'
import type { BroadcastComponents } from '../src/index.ts'
import { BroadcastMetrics } from '../src/metrics.ts'

/** Writes down what is counted, as `name{label}`. */
function recorder(): { counts: Map<string, number>; metrics: NonNullable<BroadcastComponents['metrics']> } {
  const counts = new Map<string, number>()
  const count = (name: string, by: number | true): void => {
    counts.set(name, (counts.get(name) ?? 0) + Number(by))
  }
  const counter = (name: string): Counter => ({ increment: (by = 1) => count(name, by), reset: () => counts.clear() })
  const group = (name: string): CounterGroup => ({
    increment: (values) => {
      for (const [label, by = true] of Object.entries(values)) count(`${name}{${label}}`, by)
    },
    reset: () => counts.clear(),
  })
  const histogram = (name: string): Histogram => ({
    observe: (value) => count(name, value),
    reset: () => counts.clear(),
    timer: () => () => undefined,
  })
  return { counts, metrics: { registerCounter: counter, registerCounterGroup: group, registerHistogram: histogram } }
}

it('counts under names with the package and the unit', () => {
  const { counts, metrics: registry } = recorder()
  const metrics = new BroadcastMetrics(registry)
  metrics.published('flood')
  metrics.unheard()
  metrics.delivered('gossip', 'orders')
  metrics.duplicate('gossip')
  metrics.refused('rejected')
  metrics.handlerFailed()
  metrics.dropped('timeout')
  metrics.treeControl({ ihave: [new Uint8Array(20), new Uint8Array(20)], prune: [new Uint8Array(20)] })
  metrics.acks('sent', 3)
  metrics.acks('unknown', 0)
  metrics.acknowledgedAfter(1_500)
  metrics.pulled('whole', 5_000, 2_000)
  metrics.pulled('no-source', 1_000)
  metrics.chunkRequest('forged')
  metrics.served('given', 400)
  metrics.served('absent', 0)
  expect(Object.fromEntries(counts)).toEqual({
    'gridmesh_broadcast_published_messages_total{flood}': 1,
    gridmesh_broadcast_unheard_messages_total: 1,
    'gridmesh_broadcast_delivered_messages_total{gossip}': 1,
    'gridmesh_broadcast_topic_messages_total{orders}': 1,
    'gridmesh_broadcast_duplicate_messages_total{gossip}': 1,
    'gridmesh_broadcast_refused_messages_total{rejected}': 1,
    gridmesh_broadcast_handler_failures_total: 1,
    'gridmesh_broadcast_dropped_sends_total{timeout}': 1,
    'gridmesh_broadcast_tree_control_ids_total{ihave}': 2,
    'gridmesh_broadcast_tree_control_ids_total{graft}': 0,
    'gridmesh_broadcast_tree_control_ids_total{prune}': 1,
    'gridmesh_broadcast_acknowledgements_total{sent}': 3,
    gridmesh_broadcast_acknowledgement_seconds: 1.5,
    'gridmesh_broadcast_pulls_total{whole}': 1,
    'gridmesh_broadcast_pulls_total{no-source}': 1,
    gridmesh_broadcast_pulled_bytes_total: 6_000,
    gridmesh_broadcast_pull_seconds: 2,
    'gridmesh_broadcast_chunk_requests_total{forged}': 1,
    'gridmesh_broadcast_served_chunk_requests_total{given}': 1,
    'gridmesh_broadcast_served_chunk_requests_total{absent}': 1,
    gridmesh_broadcast_served_bytes_total: 400,
  })
})

it('gives reasons that remote peers may invent one label', () => {
  const { counts, metrics: registry } = recorder()
  const metrics = new BroadcastMetrics(registry)
  for (let i = 0; i < 100; i++) metrics.dropped(`invented-${i}`)
  expect([...counts]).toEqual([['gridmesh_broadcast_dropped_sends_total{other}', 100]])
})

it('counts nothing, and does not fail, where libp2p has no metrics', () => {
  const metrics = new BroadcastMetrics(undefined)
  expect(() => {
    metrics.published('gossip')
    metrics.acks('received', 1)
    metrics.acknowledgedAfter(1)
    metrics.pulled('timeout', 0)
    metrics.served('given', 1)
  }).not.toThrow()
})
