import { createNode, loadNodeConfig, type GridmeshNode } from '@gridmesh/node'
import { unicast } from '@gridmesh/unicast'

/**
 * What differs from a node in production: memories are small, so that they are full when the warm-up ends; what happens
 * now and then happens often; and the load that is offered is within the limits on it.
 */
const FLAGS = {
  'logs.level': 'silent',
  feedSize: 256,
  'broadcast.maxIds': 1_024,
  'p2p.pingIntervalMs': 5_000,
  'handshake.statusIntervalMs': 2_000,
  'reconnection.initialDelayMs': 200,
  'reconnection.maxDelayMs': 1_000,
  'reconnection.coolDownMs': 1_000,
  'limits.streamsPerSecond': 2_000,
  'limits.messagesPerSecond': 2_000,
  'limits.messagesBurst': 4_000,
}

/** Idempotency keys that a node remembers; no setting of a node says how many. */
const MAX_KEYS = 256

/** Builds and starts the node of a configuration file, set up for the soak. */
export async function startNode(file: string): Promise<GridmeshNode> {
  const { config } = loadNodeConfig({ file, profile: 'gridtokenx', flags: FLAGS })
  const modules = { unicast: unicast({ maxMessageBytes: config.messages.maxBytes, maxKeys: MAX_KEYS }) }
  const node = await createNode({ config, modules })
  await node.start()
  return node
}
