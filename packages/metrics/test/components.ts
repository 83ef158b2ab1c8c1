import { TypedEventEmitter, type Libp2pEvents } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import type { PeerManager, PeerRecord } from '@gridmesh/interfaces'
import type { MetricsComponents } from '../src/index.ts'

/** Components without a network. */
export function fakeComponents(peers?: () => ReadonlyMap<string, PeerRecord>) {
  const events = new TypedEventEmitter<Libp2pEvents>()
  const components: MetricsComponents = { logger: defaultLogger(), events }
  if (peers != null) {
    // Only the registry is read.
    Object.defineProperty(components, 'peerManager', {
      get: (): Pick<PeerManager, 'peers'> => Object.assign({}, { peers: Object(peers()) }),
    })
  }
  return { ...components, events, components }
}

/** The lines of a scrape that begin with a name and `{`, a blank, or the end of a suffix. */
export function linesOf(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}
