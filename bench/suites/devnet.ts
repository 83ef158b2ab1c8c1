import { startDevnet } from '@gridmesh-internal/support'
import { createParser } from 'eventsource-parser'
import { EmergencyNetwork } from '../emergency-network.ts'
import { type Bench, type Line, median, quantile } from '../report.ts'

const NODES = 5
const ROUNDS = 5
const ORDERS = 200
const EMERGENCIES = 40

/** What a person sees: an order from one node to another's feed, and an emergency while bulk transfers run. */
export const bench: Bench = {
  about: `${NODES} real processes over TCP and Noise; from POST at node 1 until node ${NODES}'s feed has it`,
  async *run() {
    yield* orderDelay()
    yield* emergencyDelay()
  },
}

async function* orderDelay(): AsyncIterable<Line> {
  const devnet = await startDevnet(NODES, [], {})
  try {
    const [first = '', last = ''] = [devnet.nodes[0]?.url, devnet.nodes.at(-1)?.url]
    const arrivals = await listen(last)
    const rounds: number[][] = []
    // The first round warms up and is thrown away.
    for (let round = 0; round <= ROUNDS; round++) {
      const delays: number[] = []
      for (let i = 0; i < ORDERS; i++) delays.push(await sendOrder(first, `bench-${round}-${i}`, arrivals))
      if (round > 0) rounds.push(delays)
    }
    for (const [metric, q] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      const raw = rounds.map((delays) => quantile(delays, q))
      const ours = median(raw)
      const goal = q === 0.99 ? { goal: '< 100', met: ours < 100 } : {}
      yield { case: 'order, node 1 to node 5', metric, unit: 'ms', ours, raw, ...goal }
    }
    arrivals.stop()
  } finally {
    await devnet.stop()
  }
}

interface Arrivals {
  /** Resolves when the feed has the order. */
  whenSeen(id: string): Promise<void>
  stop(): void
}

async function listen(url: string): Promise<Arrivals> {
  const waiting = new Map<string, () => void>()
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event !== 'message') return
      const { id } = (JSON.parse(data) as { value: { id: string } }).value
      waiting.get(id)?.()
      waiting.delete(id)
    },
  })
  const end = new AbortController()
  const response = await fetch(`${url}/api/v1/events`, { headers: { accept: 'text/event-stream' }, signal: end.signal })
  const read = async (): Promise<void> => {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>)
      parser.feed(Buffer.from(chunk).toString())
  }
  read().catch(() => {})
  return {
    whenSeen: (id) => new Promise((resolve) => waiting.set(id, resolve)),
    stop: () => end.abort(),
  }
}

async function sendOrder(url: string, id: string, arrivals: Arrivals): Promise<number> {
  const body = JSON.stringify({ id, type: 'sell', priceSatangPerKwh: 400, quantityWh: 1_000, zone: 'bangkok' })
  const start = performance.now()
  const seen = arrivals.whenSeen(id)
  const answer = await fetch(`${url}/api/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!answer.ok) throw new Error(`order refused: ${await answer.text()}`)
  await seen
  return performance.now() - start
}

async function* emergencyDelay(): AsyncIterable<Line> {
  const network = await EmergencyNetwork.start(NODES)
  try {
    await network.emergencies(EMERGENCIES)
    const idle: number[][] = []
    const busy: number[][] = []
    for (let round = 0; round < ROUNDS; round++) {
      idle.push(await network.emergencies(EMERGENCIES))
      const transferred = await network.duringBulk(async () => busy.push(await network.emergencies(EMERGENCIES)))
      if (transferred === 0) throw new Error('no bulk transfer ran while the emergencies were sent')
    }
    for (const [metric, q] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      const raw = busy.map((delays) => quantile(delays, q))
      const [ours, theirs] = [median(raw), median(idle.map((delays) => quantile(delays, q)))]
      yield {
        case: 'emergency to the last node, under 10 MB transfers (theirs: idle)',
        metric,
        unit: 'ms',
        ours,
        theirs,
        ratio: ours / theirs,
        raw,
      }
    }
  } finally {
    await network.stop()
  }
}
