import type { SyncPhase } from './index.ts'
import type { SyncOptions } from './options.ts'
import type { PeerTable } from './peer-table.ts'
import type { BlockSyncComponents } from './ports.ts'

/** What all parts of a run share. */
export interface RunContext extends BlockSyncComponents {
  readonly options: SyncOptions
  readonly table: PeerTable
  /** Aborts when the sync stops. */
  readonly signal: AbortSignal
  /** Hashes of blocks that the chain refused, the oldest first. */
  readonly refused: Set<string>
  /** Got further: a height, or pieces. */
  readonly onProgress: (height: number, target: number) => void
  /** What a part holds, while it is at work; and what it does when peers changed. */
  activity: Activity | undefined
}

/** The part of a run that is at work. */
export interface Activity {
  readonly phase: Exclude<SyncPhase, 'idle'>
  readonly bufferedBytes: number
  readonly headersAhead: number
  /** Peers came, went or moved. */
  onPeers(): void
}

/** Ends a run: the chain, or the node itself, failed, and nobody else is to blame. */
export class ChainFailedError extends Error {
  static override readonly name = 'ChainFailedError'
  override readonly name = 'ChainFailedError'
  readonly code = 'chain-failed'
}
