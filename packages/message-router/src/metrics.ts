import { LANES } from '@gridmesh/interfaces'
import type { Lane } from '@gridmesh/interfaces'
import type { Metrics } from '@libp2p/interface'

const PREFIX = 'gridmesh_message_router'

/** Reports what the router does. Without a metrics service every call is a no-op. */
export interface RouterMetrics {
  received(kind: string, count: number): void
  sent(kind: string, count: number): void
  refused(code: string): void
  dropped(reason: string, count: number): void
  batch(messages: number): void
  handled(kind: string, tookMs: number): void
}

/** Registers the metrics; `queuedIn` is read when they are collected. */
export function routerMetrics(metrics: Metrics | undefined, queuedIn: (lane: Lane) => number): RouterMetrics {
  const received = metrics?.registerCounterGroup(`${PREFIX}_received_messages_total`, {
    label: 'kind',
    help: 'Messages accepted, by kind',
  })
  const sent = metrics?.registerCounterGroup(`${PREFIX}_sent_messages_total`, {
    label: 'kind',
    help: 'Messages handed to a carrier, by kind',
  })
  const refused = metrics?.registerCounterGroup(`${PREFIX}_refused_messages_total`, {
    label: 'code',
    help: 'Messages refused or failed in their handler, by error code',
  })
  const dropped = metrics?.registerCounterGroup(`${PREFIX}_dropped_messages_total`, {
    label: 'reason',
    help: 'Messages dropped without being handled, by reason',
  })
  const batch = metrics?.registerHistogram(`${PREFIX}_batch_size_messages`, {
    help: 'Messages in one sent envelope',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024],
  })
  const handled = metrics?.registerHistogramGroup(`${PREFIX}_handler_duration_seconds`, {
    label: 'kind',
    help: 'Time a handler took, by kind',
    buckets: [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  })
  metrics?.registerMetricGroup(`${PREFIX}_queue_depth_messages`, {
    label: 'lane',
    help: 'Messages that wait for their handler, by lane',
    calculate: () => Object.fromEntries(LANES.map((lane) => [lane, queuedIn(lane)])),
  })
  return {
    received: (kind, count) => received?.increment({ [kind]: count }),
    sent: (kind, count) => sent?.increment({ [kind]: count }),
    refused: (code) => refused?.increment({ [code]: true }),
    dropped: (reason, count) => dropped?.increment({ [reason]: count }),
    batch: (messages) => batch?.observe(messages),
    handled: (kind, tookMs) => handled?.observe({ [kind]: tookMs / 1_000 }),
  }
}
