import type { Bench, Line } from '../report.ts'
import { alone, beside, inTurns } from '../rounds.ts'
import type { EncrypterName } from '../sides/bare-node.ts'
import { Side } from '../side.ts'

const ROUNDS = 5
/** Bytes of one figure. */
const MOVED_BYTES = 64 * 2 ** 20
const SIZES = { '64 KiB': 2 ** 16, '256 KiB': 2 ** 18, '1 MiB': 2 ** 20 } as const
const ENCRYPTERS = { 'our Noise': 'noise', '@libp2p/noise': 'libp2p-noise', TLS: 'tls' } as const
const TLS_GOAL = 250

type Encrypter = keyof typeof ENCRYPTERS
type Name = `${'unicast' | 'stream'} over ${Encrypter}`
type Rates = Record<Name, number[]>

const NAMES = (Object.keys(ENCRYPTERS) as Encrypter[]).flatMap((encrypter): Name[] => [
  `unicast over ${encrypter}`,
  `stream over ${encrypter}`,
])

/** Large sends between two processes: by unicast, and on a bare stream, over each encrypter. */
export const bench: Bench = {
  about: 'large sends over TCP loopback, each side a process of its own',
  async *run() {
    const pairs: [Name, Pair][] = []
    try {
      for (const name of NAMES) pairs.push([name, await Pair.start(name)])
      yield* figures(Object.fromEntries(pairs) as Record<Name, Pair>)
    } finally {
      await Promise.all(pairs.map(([, pair]) => pair.stop()))
    }
  },
}

async function* figures(pairs: Record<Name, Pair>): AsyncIterable<Line> {
  const peaks = each((): number[] => [])
  for (const [size, bytes] of Object.entries(SIZES)) {
    const contenders = each((name) => () => pairs[name].megabytesPerSecond(bytes))
    const raw = await inTurns(contenders, ROUNDS)
    yield* rates(`sends of ${size}`, raw)
    for (const name of NAMES) peaks[name].push(await pairs[name].peakMegabytes())
  }
  for (const name of NAMES) yield memory(name, peaks[name])
}

function* rates(name: string, raw: Rates): Iterable<Line> {
  const what = (encrypter: Encrypter) => ({ case: `${name}, unicast over ${encrypter}`, metric: 'rate', unit: 'MB/s' })
  for (const encrypter of Object.keys(ENCRYPTERS) as Encrypter[]) {
    const other = { name: 'stream', raw: raw[`stream over ${encrypter}`] }
    yield beside(what(encrypter), raw[`unicast over ${encrypter}`], other, '>= 0.95')
  }
  const theirs = { name: 'unicast over @libp2p/noise', raw: raw['unicast over @libp2p/noise'] }
  yield beside(what('our Noise'), raw['unicast over our Noise'], theirs, '>= 1.5')
  const overTls = alone(what('TLS'), 'in all', raw['unicast over TLS'])
  yield { ...overTls, goal: `> ${TLS_GOAL}`, met: overTls.ours > TLS_GOAL }
  for (const contender of NAMES) {
    yield alone({ case: name, metric: 'rate', unit: 'MB/s' }, contender, raw[contender])
  }
}

/** Memory is bounded where three times the bytes take no more of it. */
function memory(name: Name, peaks: readonly number[]): Line {
  const [first = Number.NaN] = peaks
  const last = peaks.at(-1) ?? Number.NaN
  const line = {
    case: `peak of both processes of ${name}: after all sends (theirs: after a third of them)`,
    metric: 'memory',
    unit: 'MB',
    ours: last,
    theirs: first,
    ratio: last / first,
    raw: peaks,
  }
  return name.startsWith('unicast') ? { ...line, goal: 'ratio <= 1.25', met: last / first <= 1.25 } : line
}

/** A side that sends, and one that receives. */
class Pair {
  readonly #from: Side
  readonly #to: Side

  private constructor(from: Side, to: Side) {
    this.#from = from
    this.#to = to
  }

  static async start(name: Name): Promise<Pair> {
    const [by, encrypter] = name.split(' over ') as [string, Encrypter]
    const encrypterName: EncrypterName = ENCRYPTERS[encrypter]
    const script = new URL('../sides/bulk.ts', import.meta.url)
    const pair = new Pair(await Side.start(script, [by, encrypterName]), await Side.start(script, [by, encrypterName]))
    await pair.#from.call('connect', await pair.#to.call('listen'))
    return pair
  }

  async megabytesPerSecond(bytes: number): Promise<number> {
    await this.#to.call('expect', MOVED_BYTES)
    const ms = await this.#from.call<number>('send', bytes, MOVED_BYTES / bytes)
    return MOVED_BYTES / 1_000 / ms
  }

  async peakMegabytes(): Promise<number> {
    const both = await Promise.all([this.#from, this.#to].map((side) => side.call<number>('peakMegabytes')))
    return both.reduce((sum, megabytes) => sum + megabytes, 0)
  }

  async stop(): Promise<void> {
    await Promise.all([this.#from.stop(), this.#to.stop()])
  }
}

function each<T>(make: (name: Name) => T): Record<Name, T> {
  return Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<Name, T>
}
