import { connectionPool } from '@gridmesh/connection-pool'
import { isMetricsService, metrics } from '@gridmesh/metrics'
import { createLibp2p } from 'libp2p'
import { authoritiesOfChain, authoritiesOfGenesis } from './chain-network/authority-role.ts'
import { openNodeChain } from './chain-network/open-chain.ts'
import type { NodeConfig } from './config/schema.ts'
import { openDatastore } from './datastore.ts'
import { endAll } from './end-all.ts'
import { fileProblem } from './errors.ts'
import { readGenesis } from './genesis.ts'
import { loadIdentity } from './identity.ts'
import { linkOptions } from './links/options.ts'
import { type NodeLog, createLog } from './logging.ts'
import { makeDirectory } from './make-directory.ts'
import { ModuleGuard } from './module-guard.ts'
import { type NodeModules, type NodeServices, defaultModules, withModules } from './modules.ts'
import { GridmeshNode } from './node.ts'
import { VERSION } from './version.ts'

/** Share of a shutdown that each of the three steps of a module's stop may take. */
const MODULE_STOP_SHARE = 0.25

/** What a node is made from. */
export interface CreateNodeInit {
  config: NodeConfig
  /** Factories that replace modules, by service name. @default the packages of Gridmesh */
  modules?: Partial<NodeModules>
  /** @default a pino log to stdout, by `config.logs` */
  log?: NodeLog
}

/**
 * Builds a node from its configuration: reads the genesis file, reads or makes the identity, opens the data
 * directory and the chain in it, and wires the modules. Nothing listens or dials before `start`.
 * @throws {UnusableFileError} when the genesis file, the key file or the data directory cannot be used: broken, of
 *   another chain, or in use by another node
 * @throws {NoChainInGenesisError} when a chain is asked for, and the genesis file has none
 * @throws {TypeError} when `modules` has a name that is none of a module
 */
export async function createNode(init: CreateNodeInit): Promise<GridmeshNode> {
  const { config, modules = {}, log = createLog(config.logs) } = init
  const genesis = await readGenesis(config.genesis)
  await makeDataDir(config.dataDir)
  const privateKey = await loadIdentity(config.dataDir)
  const datastore = await openDatastore(config.dataDir)
  const opened = [async () => datastore.close()]
  const ending = new AbortController()
  const guard = new ModuleGuard({ ending: ending.signal, stopMs: config.shutdownGraceMs * MODULE_STOP_SHARE })
  let isAuthority = authoritiesOfGenesis(genesis)
  try {
    const pool = connectionPool({ ...config.pool, minPeers: config.p2p.minPeers })
    const factories = withModules(
      defaultModules(config, genesis, pool, (peer) => isAuthority(peer)),
      modules,
    )
    const libp2p = await createLibp2p<NodeServices>({
      ...(await linkOptions(config, pool.gater)),
      start: false,
      privateKey,
      datastore,
      logger: log,
      nodeInfo: { name: 'gridmesh', version: VERSION, userAgent: `gridmesh/${VERSION}` },
      metrics: metrics({ regions: [config.region] }),
      services: guard.guard(factories),
    })
    if (!isMetricsService(libp2p.metrics)) throw new TypeError('libp2p was given other metrics')
    const parts = { config, genesis, libp2p, metrics: libp2p.metrics, datastore, log }
    const chain = await openNodeChain({ ...parts, privateKey })
    if (chain !== undefined) {
      opened.unshift(async () => chain.close())
      isAuthority = authoritiesOfChain(chain)
    }
    return new GridmeshNode({ ...parts, chain, guard, ending })
  } catch (err) {
    await endAll(...opened)
    throw err
  }
}

async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await makeDirectory(dataDir)
  } catch (cause) {
    throw fileProblem('data directory', dataDir, cause)
  }
}
