import type { GridmeshNode } from '@gridmesh/node'
import type { Metrics } from '@libp2p/interface'

/** The sockets and streams of a node that the garbage collector could not take: open ones, and ones that leak. */
export class Kept {
  readonly #seen: Record<'kept sockets' | 'kept streams', Set<WeakRef<object>>> = {
    'kept sockets': new Set(),
    'kept streams': new Set(),
  }

  /** The metrics are told of every socket and stream, so that is where they are seen. */
  constructor(node: GridmeshNode) {
    const metrics: Metrics = node.metrics
    const trackSocket = metrics.trackMultiaddrConnection.bind(metrics)
    const trackStream = metrics.trackProtocolStream.bind(metrics)
    metrics.trackMultiaddrConnection = (socket) => {
      this.#seen['kept sockets'].add(new WeakRef(socket))
      trackSocket(socket)
    }
    metrics.trackProtocolStream = (stream) => {
      this.#seen['kept streams'].add(new WeakRef(stream))
      trackStream(stream)
    }
  }

  /** How many there are still. */
  count(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#seen).map(([name, refs]) => [name, prune(refs)]))
  }
}

function prune(refs: Set<WeakRef<object>>): number {
  for (const ref of refs) if (ref.deref() === undefined) refs.delete(ref)
  return refs.size
}
