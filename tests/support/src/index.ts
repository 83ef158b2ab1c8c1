/** What integration tests and benchmarks share: real nodes, in this process or in others, on free ports of loopback. */
export { runGridmesh, spawnGridmesh, type CommandResult } from './command.ts'
export { startDevnet, type AnnouncedNode, type RunningDevnet } from './devnet.ts'
export { Fleet, type FleetInit, type FleetNode } from './fleet.ts'
export { Network, type NetworkInit } from './network.ts'
export { freePorts } from './ports.ts'
export { searchOf } from './search.ts'
