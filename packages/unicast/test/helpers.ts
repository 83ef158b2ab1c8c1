import type { Unicast } from '@gridmesh/interfaces'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { unicast, type UnicastInit } from '../src/index.ts'

export type Node = Libp2p<{ unicast: Unicast }>

/** Sibling services for a node, by name. */
export type Stubs = Record<string, object>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (data: Uint8Array): string => new TextDecoder().decode(data)
export const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
export const unhex = (data: string): Uint8Array => new Uint8Array(Buffer.from(data.replaceAll(' ', ''), 'hex'))

let address = 0

/** A started node with the service, and stubs in the place of siblings. */
export async function node(
  init: UnicastInit = {},
  stubs: Stubs = {},
  link: 'memory' | 'tcp' = 'memory',
): Promise<Node> {
  const services = Object.fromEntries(Object.entries(stubs).map(([name, stub]) => [name, () => stub]))
  return createLibp2p({
    addresses: { listen: [link === 'memory' ? `/memory/unicast-${address++}` : '/ip4/127.0.0.1/tcp/0'] },
    transports: [link === 'memory' ? memory() : tcp()],
    connectionEncrypters: [link === 'memory' ? plaintext() : noise()],
    streamMuxers: [yamux()],
    services: { ...services, unicast: unicast(init) },
  })
}

/** Two connected nodes. */
export async function pair(
  near: { init?: UnicastInit; stubs?: Stubs } = {},
  far: { init?: UnicastInit; stubs?: Stubs } = {},
  link: 'memory' | 'tcp' = 'memory',
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
