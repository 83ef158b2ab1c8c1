import type { GridmeshNode } from '@gridmesh/node'
import { SoakError } from './errors.ts'

/** Listeners that a node and its process have, by whom they listen to. */
export function countListeners({ libp2p }: GridmeshNode): Record<string, number> {
  // Services listen to the bus of the components, users to the node that repeats what the bus says.
  const { components } = libp2p as unknown as { components: { events: EventTarget } }
  const services = Object.values(libp2p.services as Record<string, unknown>).filter(
    (each) => each instanceof EventTarget,
  )
  const connections = libp2p.getConnections() as unknown[] as EventTarget[]
  const streams = libp2p.getConnections().flatMap((connection) => connection.streams as unknown[] as EventTarget[])
  return {
    'listeners to libp2p': sum([libp2p, components.events]),
    'listeners to services': sum(services),
    'listeners to connections': sum(connections),
    // Their sum rises and falls with the streams themselves.
    'most listeners to a stream': Math.max(0, ...streams.map(listenersOf)),
    'listeners to process': process.eventNames().reduce((count, name) => count + process.listenerCount(name), 0),
  }
}

function sum(targets: readonly EventTarget[]): number {
  return targets.reduce((count, target) => count + listenersOf(target), 0)
}

/** All listeners of a target. Node tells those of one event; which events there are, it keeps under a symbol. */
function listenersOf(target: EventTarget): number {
  const key = Object.getOwnPropertySymbols(target).find(({ description }) => description === 'kEvents')
  if (key === undefined) throw new SoakError(`Node ${process.version} keeps listeners in another place`)
  // Undefined as long as nobody has listened.
  const events: ReadonlyMap<string, { size: number }> | undefined = Reflect.get(target, key)
  let count = 0
  for (const { size } of events?.values() ?? []) count += size
  return count
}
