import { type Bench, type Line, quantile } from '../report.ts'
import { alone, beside } from '../rounds.ts'
import { Side } from '../side.ts'

const ROUNDS = 5
/** Urgent messages of one round, and the time between two of them, in ms. */
const URGENT = 500
const GAP_MS = 2
/** Time that large messages flow before the first urgent one, and that the last one may be under way, in ms. */
const SETTLE_MS = 500
const DEADLINE_MS = 20_000

const HOW = { lanes: 'lanes', 'one stream': 'one-stream' } as const
type How = keyof typeof HOW
type When = 'idle' | 'during bulk'

/** What the receiver saw in one round. */
interface Seen {
  delaysMicros: number[]
  largeMegabytesPerSecond: number
}

/** How long a small urgent message takes while large ones flow to the same peer. */
export const bench: Bench = {
  about: 'a critical message of 128 B while messages of 10 MiB flow to the same peer, each side a process of its own',
  async *run() {
    const pairs: [How, Pair][] = []
    try {
      for (const how of Object.keys(HOW) as How[]) pairs.push([how, await Pair.start(how)])
      yield* figures(Object.fromEntries(pairs) as Record<How, Pair>)
    } finally {
      await Promise.all(pairs.map(([, pair]) => pair.stop()))
    }
  },
}

async function* figures(pairs: Record<How, Pair>): AsyncIterable<Line> {
  const seen: Record<`${How}, ${When}`, Seen[]> = {
    'lanes, idle': [],
    'lanes, during bulk': [],
    'one stream, idle': [],
    'one stream, during bulk': [],
  }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const how of Object.keys(HOW) as How[]) {
      for (const when of ['idle', 'during bulk'] as const) {
        const figure = await pairs[how].round(when)
        // The first round warms up.
        if (round > 0) seen[`${how}, ${when}`].push(figure)
      }
    }
  }
  const p99 = (key: keyof typeof seen): number[] => seen[key].map(({ delaysMicros }) => quantile(delaysMicros, 0.99))
  const p50 = (key: keyof typeof seen): number[] => seen[key].map(({ delaysMicros }) => quantile(delaysMicros, 0.5))
  const what = { case: 'critical message during bulk', metric: 'p99', unit: 'µs' }
  const mine = p99('lanes, during bulk')
  yield beside(what, mine, { name: 'while idle', raw: p99('lanes, idle') }, '<= 3')
  yield beside(what, mine, { name: 'on one stream with bulk', raw: p99('one stream, during bulk') }, '<= 0.1')
  for (const key of Object.keys(seen) as (keyof typeof seen)[]) {
    yield alone({ ...what, case: 'critical message' }, key, p99(key))
    yield alone({ ...what, case: 'critical message', metric: 'p50' }, key, p50(key))
  }
  for (const how of Object.keys(HOW) as How[]) {
    const raw = seen[`${how}, during bulk`].map(({ largeMegabytesPerSecond }) => largeMegabytesPerSecond)
    yield alone({ case: 'bulk meanwhile', metric: 'rate', unit: 'MB/s' }, how, raw)
  }
}

/** A side that sends, and one that receives. */
class Pair {
  readonly #from: Side
  readonly #to: Side

  private constructor(from: Side, to: Side) {
    this.#from = from
    this.#to = to
  }

  static async start(how: How): Promise<Pair> {
    const script = new URL('../sides/lanes.ts', import.meta.url)
    const pair = new Pair(await Side.start(script, [HOW[how]]), await Side.start(script, [HOW[how]]))
    await pair.#from.call('connect', await pair.#to.call('listen'))
    return pair
  }

  async round(when: When): Promise<Seen> {
    if (when === 'during bulk') {
      await this.#from.call('flow', true)
      await pause(SETTLE_MS)
      await this.#received()
    }
    const start = performance.now()
    await this.#from.call('urgent', URGENT, GAP_MS)
    const seen = await this.#allReceived(start)
    if (when === 'during bulk') await this.#from.call('flow', false)
    return seen
  }

  /** Waits for the last urgent message. */
  async #allReceived(start: number): Promise<Seen> {
    const delaysMicros: number[] = []
    let largeBytes = 0
    while (delaysMicros.length < URGENT) {
      const more = await this.#received()
      delaysMicros.push(...more.delaysMicros)
      largeBytes += more.largeBytes
      const ms = performance.now() - start
      if (ms > DEADLINE_MS) throw new RangeError(`${delaysMicros.length} of ${URGENT} messages after ${ms} ms`)
      await pause(10)
    }
    return { delaysMicros, largeMegabytesPerSecond: largeBytes / 1_000 / (performance.now() - start) }
  }

  async #received(): Promise<{ delaysMicros: number[]; largeBytes: number }> {
    return this.#to.call('received')
  }

  async stop(): Promise<void> {
    await Promise.all([this.#from.stop(), this.#to.stop()])
  }
}

async function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
