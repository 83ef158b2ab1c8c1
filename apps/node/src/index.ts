/**
 * @packageDocumentation
 *
 * A whole Gridmesh node: every package wired together, energy messages, an HTTP API, and the `gridmesh` command.
 * `createNode` takes a configuration and, for each module that is to be another one, a factory.
 *
 * Not for adding one module to a libp2p node of your own: each package does that alone.
 *
 * @example
 *
 * ```ts
 * import { createNode, loadNodeConfig } from '@gridmesh/node'
 *
 * const { config } = loadNodeConfig({ file: 'node.yaml', profile: 'gridtokenx' })
 * const node = await createNode({ config })
 * await node.start()
 * process.once('SIGTERM', () => void node.stop())
 * ```
 */
export { EnergyChain } from './chain/energy-chain.ts'
export {
  ChainFailedError,
  ChainStoppedError,
  CheckpointBehindError,
  CorruptCheckpointError,
  HeadMovedError,
  HistoryBlockError,
  ImportQueueFullError,
  SideBlocksFullError,
  StateMismatchError,
  UnreadableBlockError,
  VerifyFailedError,
  WrongGenesisError,
} from './chain/errors.ts'
export { DamagedMempoolError, WrongBodyError } from './chain-network/errors.ts'
export type { NodeChain } from './chain-network/node-chain.ts'
export { ledgerReader } from './chain-network/reader.ts'
export { loadNodeConfig, profileNames, type ConfigSources } from './config/load.ts'
export { nodeConfigSchema, type NodeConfig } from './config/schema.ts'
export { Devnet, NotConnectedError, type DevnetInit } from './devnet/devnet.ts'
export { prepareFiles, type PreparedNode } from './devnet/files.ts'
export { planDevnet, type PlannedNode } from './devnet/plan.ts'
export { NodeFailedError, NodeNotReadyError } from './devnet/process.ts'
export { Energy, type EnergyParts, type Published } from './energy/energy.ts'
export { Feed, type FeedItem, type FeedQuery } from './energy/feed.ts'
export { energyKindNames, energyKinds, type EnergyKind, type EnergyKindName } from './energy/kinds.ts'
export type { EnergyOrder, GridEmergency, MarketData, OrderMatch, SystemShutdown } from './energy/schemas.ts'
export {
  CannotListenError,
  ExpiredError,
  LeftoverError,
  ModuleFailedError,
  NoChainInGenesisError,
  NodeStoppedError,
  NotAuthorityError,
  PortInUseError,
  UnknownZoneError,
  UnusableFileError,
} from './errors.ts'
export { parseGenesis, readGenesis, type Genesis } from './genesis.ts'
export { createIdentity, loadIdentity, readIdentity } from './identity.ts'
export { createLog, type LogLevel, type LogSettings, type NodeLog } from './logging.ts'
export { defaultModules, type NodeModules, type NodeServices } from './modules.ts'
export { createNode, type CreateNodeInit } from './create-node.ts'
export type { GridmeshNode } from './node.ts'
export { gridmeshKit } from './sim/kit.ts'
