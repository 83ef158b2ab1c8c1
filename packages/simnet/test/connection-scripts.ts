import type { Connection, Stream, StreamCloseEvent } from '@libp2p/interface'
import type { SimClock, SimNetwork, SimNode } from '../src/index.ts'

/** Two nodes, what connects them, and ways to open a stream and to let time pass until nothing more happens. */
export interface ConnectionLab {
  readonly nodes: { readonly a: SimNode; readonly b: SimNode }
  readonly a: Connection
  readonly b: Connection
  readonly network: SimNetwork
  readonly clock: SimClock
  readonly open: () => Promise<{ a: Stream; b: Stream }>
}

type Log = (...seen: unknown[]) => void

/** Something done with a connection, told as what both ends saw of it. */
export interface ConnectionScript {
  readonly name: string
  run(lab: ConnectionLab, log: Log): Promise<void>
}

export const PROTOCOL = '/test/1'
/** Within it everything has happened that libp2p does by itself. */
const SETTLED_MS = 30_000
/** The other side is 20 ms away. */
const UNDER_WAY_MS = 5

async function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (err: Error) => err.name,
  )
}

/** Sends more than the other side reads, so that the stream cannot be closed. */
async function openStuck({ open }: ConnectionLab): Promise<{ a: Stream; b: Stream }> {
  const streams = await open()
  streams.b.maxReadBufferLength = Number.POSITIVE_INFINITY
  streams.a.maxWriteBufferLength = Number.POSITIVE_INFINITY
  streams.b.pause()
  streams.a.send(new Uint8Array(2_000_000))
  return streams
}

export const CONNECTION_SCRIPTS: readonly ConnectionScript[] = [
  {
    name: 'is closed with a stream open, and data on its way',
    async run({ a, open, clock }, log) {
      const streams = await open()
      let heard = 0
      streams.b.addEventListener('message', ({ data }) => (heard += data.byteLength))
      streams.a.send(new Uint8Array(1_000_000))
      log('close', await outcome(a.close()))
      await clock.sleep(SETTLED_MS)
      log('heard', heard)
    },
  },
  {
    name: 'is closed with data that nobody has read',
    async run({ a, open, clock }, log) {
      const streams = await open()
      streams.a.send(new Uint8Array(1_000))
      log('close', await outcome(a.close()))
      await clock.sleep(SETTLED_MS)
      log('buffered', streams.b.readBufferLength, streams.b.readStatus)
    },
  },
  {
    name: 'is closed while a stream does not close: refuses streams, and is aborted in the end',
    async run(lab, log) {
      await openStuck(lab)
      const closing = outcome(lab.a.close())
      log('meanwhile', lab.a.status, await outcome(lab.a.newStream(PROTOCOL)))
      log('close', await closing, lab.a.status)
      await lab.clock.sleep(SETTLED_MS)
      log('in the end', lab.a.status, lab.b.status)
    },
  },
  {
    name: 'is closed once more after a stream did not close',
    async run(lab, log) {
      await openStuck(lab)
      log(await outcome(lab.a.close()), await outcome(lab.a.close()), lab.a.status)
    },
  },
  {
    name: 'is aborted after a stream did not close',
    async run(lab, log) {
      await openStuck(lab)
      log(await outcome(lab.a.close()))
      lab.a.abort(new RangeError('of the test'))
      log(lab.a.status)
    },
  },
  {
    name: 'is closed with a signal that was aborted before',
    async run({ a, open }, log) {
      await open()
      log(await outcome(a.close({ signal: AbortSignal.abort(new RangeError('of the test')) })), a.status)
    },
  },
  {
    name: 'is closed twice at once',
    async run({ a }, log) {
      log(...(await Promise.all([outcome(a.close()), outcome(a.close())])), a.status)
    },
  },
  {
    name: 'is closed by both sides at once',
    async run({ a, b, open }, log) {
      await open()
      log(...(await Promise.all([outcome(a.close()), outcome(b.close())])))
    },
  },
  {
    name: 'is aborted with a stream open',
    async run({ a, open }, log) {
      await open()
      a.abort(new RangeError('of the test'))
      log(a.status)
    },
  },
  {
    name: 'is aborted after it was closed',
    async run({ a }, log) {
      await a.close()
      a.abort(new RangeError('of the test'))
      log(a.status)
    },
  },
  {
    name: 'ends when the peer crashes: its streams end without an error',
    async run({ nodes, network, open, clock }, log) {
      const streams = await open()
      const read = (async () => {
        for await (const _ of streams.b) log('data')
      })()
      network.crash(nodes.a)
      await clock.sleep(SETTLED_MS)
      log('read', await outcome(read))
    },
  },
  {
    name: 'ends when a node stops, which tells it of no peer',
    async run({ nodes, network, open }, log) {
      await open()
      log(await outcome(network.stop(nodes.a)))
    },
  },
  ...(['close', 'abort'] as const).flatMap((deed) =>
    (['a', 'b'] as const).map((side) => ({
      name: `ends by ${deed} of ${side} while a stream is opened by a`,
      async run({ a, b, clock }: ConnectionLab, log: Log): Promise<void> {
        const opening = outcome(a.newStream(PROTOCOL))
        await clock.sleep(UNDER_WAY_MS)
        const connection = side === 'a' ? a : b
        if (deed === 'close') await connection.close()
        else connection.abort(new RangeError('of the test'))
        log(await opening)
      },
    })),
  ),
  {
    name: 'is gone, and a node stops while it dials anew',
    async run({ a, nodes, network, clock }, log) {
      await a.close()
      await clock.sleep(SETTLED_MS)
      const dialling = outcome(nodes.a.run((_, { libp2p }) => libp2p.dial(nodes.b.address)))
      await clock.sleep(UNDER_WAY_MS)
      await network.stop(nodes.a)
      log(await dialling)
    },
  },
]

/** Runs a script and tells everything that could be seen of it; what one side saw is in order, sides are apart. */
export async function observe(
  script: ConnectionScript,
  lab: Omit<ConnectionLab, 'open'> & { arrived: () => Promise<Stream> },
): Promise<string[]> {
  const lines: string[] = []
  const events = { a: [] as string[], b: [] as string[] }
  const peers = { a: 0, b: 0 }
  const note = (side: 'a' | 'b', source: Connection | Stream) => {
    return ({ local, error }: StreamCloseEvent): void => {
      const what = 'protocol' in source ? 'stream' : 'connection'
      events[side].push(`${what} ${String(local)} ${error?.name} ${source.status}`)
    }
  }
  for (const side of ['a', 'b'] as const) {
    lab[side].addEventListener('close', note(side, lab[side]))
    lab.nodes[side].libp2p.addEventListener('peer:disconnect', () => peers[side]++)
  }
  const open = async (): Promise<{ a: Stream; b: Stream }> => {
    const arrived = lab.arrived()
    const streams = { a: await lab.nodes.a.run(() => lab.a.newStream(PROTOCOL)), b: await arrived }
    for (const side of ['a', 'b'] as const) streams[side].addEventListener('close', note(side, streams[side]))
    return streams
  }
  await script.run({ ...lab, open }, (...seen) => lines.push(seen.join(' ')))
  await lab.clock.sleep(SETTLED_MS)
  for (const side of ['a', 'b'] as const) {
    const { libp2p, status } = lab.nodes[side]
    const held = status === 'crashed' ? 'crashed' : `${lab[side].streams.length} ${libp2p.getConnections().length}`
    lines.push(`${side}: ${events[side].join(', ')}`, `${side}: ${lab[side].status} ${held} left ${peers[side]}`)
  }
  return lines
}
