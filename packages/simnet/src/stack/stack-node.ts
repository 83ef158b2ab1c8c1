import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import type { Datastore } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { PING_STREAMS } from '../constants.ts'
import type { TransportComponents } from '../index.ts'
import type { Fabric } from '../links/fabric.ts'
import type { Machine } from '../links/machine.ts'
import type { NodeOptions, ServiceFactories } from '../types.ts'
import { SimTransport } from './sim-transport.ts'

export interface StackNodeInit<S extends ServiceMap> {
  privateKey: PrivateKey
  machine: Machine
  fabric: Fabric
  logger: ComponentLogger
  datastore: Datastore
  maxConnections: number
  options: NodeOptions<S>
  services: ServiceFactories<S>
}

/** Builds the real libp2p over the simulated network; it is not started yet. */
export async function createStackNode<S extends ServiceMap>(init: StackNodeInit<S>): Promise<Libp2p<S>> {
  const { privateKey, machine, fabric, logger, datastore, maxConnections, options, services } = init
  const { connectionGater, metrics } = options
  const all = {
    identify: identify(),
    identifyPush: identifyPush(),
    ping: ping({ maxInboundStreams: PING_STREAMS, maxOutboundStreams: PING_STREAMS }),
    ...services,
  }
  const settings = {
    privateKey,
    datastore,
    logger,
    start: false,
    addresses: { listen: [`/ip4/${machine.ip}/tcp/${machine.port}`] },
    transports: [(components: TransportComponents) => new SimTransport(components, fabric, machine)],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionManager: { maxConnections },
    ...(connectionGater === undefined ? {} : { connectionGater }),
    ...(metrics === undefined ? {} : { metrics }),
    services: all,
  }
  // Factories of any services have no type that `createLibp2p` could check.
  return Reflect.apply(createLibp2p, undefined, [settings])
}
