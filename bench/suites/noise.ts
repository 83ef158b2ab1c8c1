import { once } from 'node:events'
import { noise } from '@gridmesh/noise'
import { noise as libp2pNoise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { type Bench, type Line, median } from '../report.ts'

const ROUNDS = 7
const ECHO = '/bench/echo/1'
const SINK = '/bench/sink/1'
const ECHOES = 2_000
const BULK_BYTES = 128 * 2 ** 20
const DIALS = 40

type Encrypter = NonNullable<Libp2pOptions['connectionEncrypters']>[number]
type Stream = Awaited<ReturnType<Libp2p['dialProtocol']>>

/** Two plain nodes, connected over TCP loopback, which differ in nothing but the encrypter. */
interface Pair {
  from: Libp2p
  to: Libp2p
  echo: Stream
  sink: Stream
  /** Bytes that the sink has received. */
  received: () => number
}

/** The encrypter beside `@libp2p/noise`, both ends in this process, round by round in turns. */
export const bench: Bench = {
  about: 'our connection encrypter and @libp2p/noise, two nodes over TCP loopback in one process',
  async *run() {
    const [mine, other] = [await connect(noise()), await connect(libp2pNoise())]
    yield* both('echo of 128 B on a kept stream', 'p50', 'µs', '<= 0.8', await rounds(mine, other, echoMicros))
    for (const [size, name] of [
      [2 ** 16, '64 KiB'],
      [2 ** 20, '1 MiB'],
    ] as const) {
      const raw = await rounds(mine, other, (pair) => bulkMegabytes(pair, size))
      yield* both(`bulk in sends of ${name}`, 'rate', 'MB/s', '>= 1.5', raw)
    }
    for (const { from, to } of [mine, other]) await Promise.all([from.stop(), to.stop()])
    yield* both('dial to connection', 'p50', 'ms', '<= 1', await dialRounds())
  },
}

/** Ours with theirs beside it, then the rounds of theirs: both raw. */
function* both(
  name: string,
  metric: string,
  unit: string,
  goal: string,
  [mine, other]: [number[], number[]],
): Iterable<Line> {
  const [ours, theirs] = [median(mine), median(other)]
  const ratio = ours / theirs
  const [sign, bound] = goal.split(' ')
  const met = sign === '>=' ? ratio >= Number(bound) : ratio <= Number(bound)
  yield { case: name, metric, unit, ours, theirs, ratio, goal: `ratio ${goal}`, met, raw: mine }
  yield { case: `${name}, rounds of @libp2p/noise`, metric, unit, ours: theirs, raw: other }
}

/** The figure of each round of both, in turns, so that a slow moment of the machine hits both; the first thrown away. */
async function rounds(mine: Pair, other: Pair, figure: (pair: Pair) => Promise<number>): Promise<[number[], number[]]> {
  const raw: [number[], number[]] = [[], []]
  for (let round = 0; round <= ROUNDS; round++) {
    const [first, second] = [await figure(mine), await figure(other)]
    if (round === 0) continue
    raw[0].push(first)
    raw[1].push(second)
  }
  return raw
}

async function create(encrypter: Encrypter): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    // All dials are one host's.
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY },
  })
}

async function connect(encrypter: Encrypter): Promise<Pair> {
  const [from, to] = [await create(encrypter), await create(encrypter)]
  let bytes = 0
  await to.handle(ECHO, (stream) => {
    stream.addEventListener('message', ({ data }) => stream.send(data))
  })
  await to.handle(SINK, (stream) => {
    stream.addEventListener('message', ({ data }) => (bytes += data.byteLength))
  })
  const connection = await from.dial(to.getMultiaddrs())
  const [echo, sink] = [await connection.newStream(ECHO), await connection.newStream(SINK)]
  return { from, to, echo, sink, received: () => bytes }
}

async function echoMicros({ echo }: Pair): Promise<number> {
  const message = new Uint8Array(128)
  const took: number[] = []
  for (let i = 0; i < ECHOES; i++) {
    const start = performance.now()
    const answered = once(echo, 'message')
    echo.send(message)
    await answered
    took.push((performance.now() - start) * 1_000)
  }
  return median(took)
}

async function bulkMegabytes({ sink, received }: Pair, size: number): Promise<number> {
  const chunk = new Uint8Array(size)
  const target = received() + BULK_BYTES
  const start = performance.now()
  for (let sent = 0; sent < BULK_BYTES; sent += size) {
    if (!sink.send(chunk)) await once(sink, 'drain')
  }
  while (received() < target) await new Promise((resolve) => setImmediate(resolve))
  return BULK_BYTES / 1_000 / (performance.now() - start)
}

/** Nodes of their own, since a connection that exists is used again. */
async function dialRounds(): Promise<[number[], number[]]> {
  const raw: [number[], number[]] = [[], []]
  const pairs = await Promise.all(
    [noise(), libp2pNoise()].map(async (each) => [await create(each), await create(each)] as const),
  )
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, [from, to]] of pairs.entries()) {
      const took = await dialMillis(from, to)
      if (round > 0) raw[index]?.push(took)
    }
  }
  for (const node of pairs.flat()) await node.stop()
  return raw
}

async function dialMillis(from: Libp2p, to: Libp2p): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < DIALS; i++) {
    const start = performance.now()
    const connection = await from.dial(to.getMultiaddrs())
    took.push(performance.now() - start)
    const gone = once(to, 'peer:disconnect')
    await connection.close()
    await gone
  }
  return median(took)
}
