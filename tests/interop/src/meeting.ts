import type { BroadcastContext } from '@gridmesh/interfaces'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, vi } from 'vitest'
import type { ForeignProcess } from './foreign-process.ts'
import { CHAIN_ID, type OurNode } from './our-node.ts'

/** How long a test waits for what must happen, in ms: long, since many tests share the machine. */
export const soon = { timeout: 30_000, interval: 20 }

/** A topic as it is on the wire, where a foreign peer sees it. */
export function wireTopic(topic: string): string {
  return `/gridmesh/${CHAIN_ID}/${topic}/1`
}

/** A message as one of our nodes got it. */
export interface Got extends BroadcastContext {
  payload: string
}

/** Subscribes a node of ours. Returns what it accepts from then on, oldest first. */
export function listen(ours: OurNode, topic: string): Got[] {
  const got: Got[] = []
  ours.services.broadcast.subscribe(topic, (bytes, context) => {
    got.push({ ...context, payload: Buffer.from(bytes).toString('base64') })
    return 'accept'
  })
  return got
}

/** Dials a foreign peer and has it subscribe. Resolves when each side says that the other is in its mesh. */
export async function meet(ours: OurNode, foreign: ForeignProcess, topic: string): Promise<void> {
  await ours.dial(multiaddr((await foreign.self).address))
  // Whoever subscribes knowing who else has need not wait for a heartbeat.
  const us = String(ours.peerId)
  await vi.waitFor(() => expect(foreign.told('identified').map(({ peer }) => peer)).toContain(us), soon)
  await foreign.ask('subscribe', { topic: wireTopic(topic) })
  await whenInMesh(ours, foreign, topic)
}

/** Resolves when each side says that the other is in its mesh. */
export async function whenInMesh(ours: OurNode, foreign: ForeignProcess, topic: string): Promise<void> {
  const { peer } = await foreign.self
  await vi.waitFor(async () => {
    expect(ours.services.broadcast.mesh(topic).map(String)).toContain(peer)
    expect(await foreign.ask('mesh', { topic: wireTopic(topic) })).toContain(String(ours.peerId))
  }, soon)
}
