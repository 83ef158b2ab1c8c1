import type { Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import type { Bench, Line } from '../report.ts'
import { alone, beside, inTurns, type Measured } from '../rounds.ts'

const ROUNDS = 7
const MESSAGE = new Uint8Array(128)
/** Messages under way at once, each a frame of its own, and how often. */
const TOGETHER = 64
const TURNS = 100
const OTHER_STREAMS = 1_000
const MAX_STREAMS = OTHER_STREAMS + 1

/** What yamux costs, and what three changes to it would bring; both ends are in this process, in memory. */
export const bench: Bench = {
  about: 'yamux, processor time of both ends for a frame of 128 B; theirs: yamux as it is',
  async *run() {
    const asItIs = await Link.open(0)
    const among = await Link.open(OTHER_STREAMS)
    const found = await Link.open(OTHER_STREAMS)
    found.findAtOnce()
    const half = await Link.open(0)
    half.updateAtHalf()
    const raw = await inTurns(
      {
        asItIs: () => asItIs.microsPerFrame(),
        among: () => among.microsPerFrame(),
        found: () => found.microsPerFrame(),
        half: () => half.microsPerFrame(),
        described: async () => microsPerDescription(),
      },
      ROUNDS,
    )
    yield* lines(raw)
    for (const link of [asItIs, among, found, half]) link.close()
  },
}

function* lines(raw: Record<'asItIs' | 'among' | 'found' | 'half' | 'described', number[]>): Iterable<Line> {
  const what = (name: string): Measured => ({ case: name, metric: 'processor time', unit: 'µs' })
  yield alone(what('one stream'), 'as it is', raw.asItIs)
  const many = `among ${OTHER_STREAMS.toLocaleString('en')} other streams`
  yield alone(what(many), 'as it is', raw.among)
  yield beside(what(`${many}, found without a search`), raw.found, { name: 'as it is', raw: raw.among })
  const plain = { name: 'as it is', raw: raw.asItIs }
  yield beside(what('a window update at half a window, not for each read'), raw.half, plain)
  yield alone(what('describing two headers that nobody reads'), 'alone', raw.described)
}

/** Two muxers in memory, and one stream of theirs that is used. */
class Link {
  readonly #muxers: readonly StreamMuxer[]
  readonly #from: Stream
  readonly #to: Stream
  #received = 0
  #onReceived = (): void => {}

  private constructor(muxers: readonly StreamMuxer[], from: Stream, to: Stream) {
    this.#muxers = muxers
    this.#from = from
    this.#to = to
    to.addEventListener('message', ({ data }) => {
      this.#received += data.byteLength
      if (this.#received >= TOGETHER * MESSAGE.byteLength) this.#onReceived()
    })
  }

  /** The stream that is used is the last, which a search finds last. */
  static async open(others: number): Promise<Link> {
    const [left, right] = multiaddrConnectionPair({ delay: 0 })
    const factory = yamux({ maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })()
    const muxers = [factory.createStreamMuxer(left), factory.createStreamMuxer(right)] as const
    const incoming: Stream[] = []
    muxers[1].addEventListener('stream', ({ detail }) => incoming.push(detail))
    let from = await muxers[0].createStream()
    for (let i = 0; i < others; i++) from = await muxers[0].createStream()
    while (incoming.length <= others) await new Promise((resolve) => setImmediate(resolve))
    const to = incoming.at(-1)
    if (to === undefined) throw new RangeError('no stream came')
    return new Link(muxers, from, to)
  }

  /** Processor time of both ends for one frame, with the window updates that it causes. */
  async microsPerFrame(): Promise<number> {
    const before = process.cpuUsage()
    for (let turn = 0; turn < TURNS; turn++) {
      this.#received = 0
      const received = new Promise<void>((resolve) => (this.#onReceived = resolve))
      for (let i = 0; i < TOGETHER; i++) this.#from.send(MESSAGE)
      await received
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / (TURNS * TOGETHER)
  }

  /** As if muxers kept their streams by id: the stream looked for is the one found last. */
  findAtOnce(): void {
    for (const { streams } of this.#muxers) {
      let last: Stream | undefined
      streams.find = (isWanted: (stream: Stream, index: number, all: Stream[]) => unknown) => {
        if (last === undefined || !isWanted(last, 0, streams)) last = streams.findLast(isWanted)
        return last
      }
    }
  }

  /** As if the receiver told of what it has read once that is half of the window. */
  updateAtHalf(): void {
    const stream = this.#to as unknown as Windowed
    const update = stream.sendWindowUpdate.bind(stream)
    stream.sendWindowUpdate = () => {
      if (stream.recvWindowCapacity * 2 < stream.recvWindow) update()
    }
  }

  close(): void {
    for (const muxer of this.#muxers) muxer.abort(new RangeError('the benchmark is over'))
  }
}

/** What a stream of yamux keeps of its window. */
interface Windowed {
  recvWindow: number
  recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** What it takes to describe a sent and a received frame in an object, as for a log that is not written. */
function microsPerDescription(): number {
  const count = TURNS * TOGETHER
  let described = 0
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    for (const flag of [0, i & 1]) {
      const flags = [flag === 1 ? 'a' : undefined, flag === 2 ? 'b' : undefined, flag === 4 ? 'c' : undefined]
      const description = { type: 'data', flags: flags.filter(Boolean), id: i, length: MESSAGE.byteLength }
      described += description.flags.length
    }
  }
  const { user, system } = process.cpuUsage(before)
  if (described > count) throw new RangeError('more flags than frames')
  return (user + system) / count
}
