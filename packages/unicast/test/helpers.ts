import { SendQueue } from '@gridmesh/chunking'
import type { Lane, Unicast } from '@gridmesh/interfaces'
import type { Stream } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { PROTOCOLS } from '../src/constants.ts'
import { DefaultUnicast } from '../src/default-unicast.ts'
import { unicast, type UnicastInit } from '../src/index.ts'

export type Node = Libp2p<{ unicast: Unicast }>

/** Sibling services for a node, by name. */
export type Stubs = Record<string, object>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (data: Uint8Array): string => new TextDecoder().decode(data)
export const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
export const unhex = (data: string): Uint8Array => new Uint8Array(Buffer.from(data.replaceAll(' ', ''), 'hex'))

let address = 0

/** What carries a link and secures it: memory in plain text, TCP with Noise, TCP with TLS 1.3. */
export type LinkKind = 'memory' | 'noise' | 'tls'

/** A started node with the service, and stubs in the place of siblings. */
export async function node(init: UnicastInit = {}, stubs: Stubs = {}, link: LinkKind = 'memory'): Promise<Node> {
  const services = Object.fromEntries(Object.entries(stubs).map(([name, stub]) => [name, () => stub]))
  return createLibp2p({
    addresses: { listen: [link === 'memory' ? `/memory/unicast-${address++}` : '/ip4/127.0.0.1/tcp/0'] },
    transports: [link === 'memory' ? memory() : tcp()],
    connectionEncrypters: [{ memory: plaintext, noise, tls }[link]()],
    streamMuxers: [yamux()],
    services: { ...services, unicast: unicast(init) },
  })
}

/** Two connected nodes. */
export async function pair(
  near: { init?: UnicastInit; stubs?: Stubs } = {},
  far: { init?: UnicastInit; stubs?: Stubs } = {},
  link: LinkKind = 'memory',
) {
  const [a, b] = await Promise.all([node(near.init, near.stubs, link), node(far.init, far.stubs, link)])
  await a.dial(b.getMultiaddrs())
  const stop = async (): Promise<void> => {
    // One after the other: two that hang up on each other wait for half a second.
    await a.stop()
    await b.stop()
  }
  return { a, b, stop, call: a.services.unicast, answer: b.services.unicast }
}

/** A promise, and the calls that settle it. */
export const gate = (): PromiseWithResolvers<void> => Promise.withResolvers<void>()

export async function* items(...list: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = []
  for await (const item of source) list.push(item)
  return list
}

/** Messages in valid frames, of one channel. */
export function frames() {
  const queue = new SendQueue({ maxQueuedBytes: 1e9 })
  return (...messages: Parameters<SendQueue['add']>[0][]): Uint8Array => {
    for (const message of messages) queue.add(message, {})
    const batch = queue.nextBatch() ?? new Uint8Array()
    return batch instanceof Uint8Array ? batch : batch.subarray()
  }
}

/** A stream of the protocol on which the test says what it likes. */
export async function raw(from: Node, to: Node, lane: Lane = 'high'): Promise<Stream> {
  const [connection] = from.getConnections(to.peerId)
  if (connection == null) throw new TypeError('there is no link')
  return connection.newStream(PROTOCOLS[lane], { maxOutboundStreams: 1_000 })
}

/** The memory that the service of a node holds now, of all peers and in all lanes. */
export function heldBytes({ services: { unicast: service } }: Node): number {
  if (!(service instanceof DefaultUnicast)) throw new TypeError('not the service of this package')
  return [service.budgets('critical'), service.budgets('normal')]
    .flatMap(({ partial, held, asked }) => [partial.used, held.used, asked.used])
    .reduce((sum, used) => sum + used, 0)
}

/** A peer manager that remembers what it was told. */
export function peerManagerStub() {
  const reports: { class: string; evidence?: string }[] = []
  const traffic: string[] = []
  return {
    reports,
    traffic,
    report: (_: unknown, report: { class: string; evidence?: string }) => void reports.push(report),
    countTraffic: (_: unknown, lane: string, direction: string) => void traffic.push(`${lane} ${direction}`),
  }
}
