import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { stringify } from 'yaml'
import { loadNodeConfig } from '../config/load.ts'
import type { StrategyName } from '../config/schema.ts'
import { fileProblem } from '../errors.ts'
import { loadIdentity } from '../identity.ts'
import { makeDirectory } from '../make-directory.ts'
import { loadMembers } from './day/members.ts'
import { writeGenesis } from './genesis-file.ts'
import type { PlannedNode } from './plan.ts'
import { DEVNET_HOST } from './ports.ts'

/** A node of a devnet whose files are written. */
export interface PreparedNode extends PlannedNode {
  peerId: string
  multiaddr: string
  url: string
  /** Directory of its data, log and configuration. */
  directory: string
  /** Path of its configuration file. */
  config: string
}

/**
 * Writes the files of every node under `data`: identities (those that exist stay), one genesis file, and a
 * configuration each, in which every node knows all others.
 * @throws {UnusableFileError}
 */
export async function prepareFiles(
  data: string,
  profile: string,
  plan: readonly PlannedNode[],
): Promise<PreparedNode[]> {
  try {
    const nodes = await Promise.all(plan.map((node) => prepareIdentity(data, node)))
    const { chain, discovery } = loadNodeConfig({ profile }).config
    const members = chain.enabled ? await loadMembers(data) : undefined
    await writeGenesis(join(data, 'genesis.yaml'), `${profile}-devnet`, nodes, members)
    const { strategies } = discovery
    await Promise.all(nodes.map((node) => writeFile(node.config, configOf(node, nodes, strategies))))
    return nodes
  } catch (cause) {
    throw cause instanceof Error && cause.name === 'UnusableFileError'
      ? cause
      : fileProblem('data directory', data, cause)
  }
}

async function prepareIdentity(data: string, node: PlannedNode): Promise<PreparedNode> {
  const directory = join(data, node.name)
  await makeDirectory(directory)
  const peerId = peerIdFromPrivateKey(await loadIdentity(directory)).toString()
  return {
    ...node,
    directory,
    peerId,
    multiaddr: `/ip4/${DEVNET_HOST}/tcp/${node.p2pPort}/p2p/${peerId}`,
    url: `http://${DEVNET_HOST}:${node.httpPort}`,
    config: join(directory, 'node.yaml'),
  }
}

function configOf(node: PreparedNode, all: readonly PreparedNode[], strategies: readonly StrategyName[]): string {
  const others = all.filter(({ name }) => name !== node.name).map(({ multiaddr }) => multiaddr)
  const isList = strategies.includes('static')
  return stringify({
    name: node.name,
    role: node.role,
    region: node.region,
    dataDir: '.',
    genesis: '../genesis.yaml',
    p2p: {
      host: DEVNET_HOST,
      port: node.p2pPort,
      bootstrap: isList ? [] : others,
    },
    discovery: {
      // All nodes are on this machine: nobody is to be called in the local network.
      strategies: strategies.filter((name) => name !== 'mdns'),
      ...(isList ? { staticPeers: others } : {}),
    },
    // All nodes share one address here.
    pool: { exemptLoopback: true },
    http: { host: DEVNET_HOST, port: node.httpPort },
    logs: { level: 'info' },
  })
}
