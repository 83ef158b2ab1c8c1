import type { ChainBackend } from '@gridmesh/interfaces'
import { onTestFinished, vi } from 'vitest'
import {
  type BlockSyncComponents,
  type BlockSyncInit,
  BlockSync,
  type PeerNotice,
  type SyncResult,
} from '../src/index.ts'
import { type ModelChain, reader } from './model-chain.ts'
import { ModelNet } from './model-net.ts'

export interface Setup<C extends ChainBackend = ModelChain> {
  net: ModelNet
  chain: C
  sync: BlockSync
  notices: PeerNotice[]
}

/** Time that tests control, until `setUp` has stopped its sync. */
export function useVirtualTime(): void {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
}

/** A started sync; `behind` is so high that runs begin only when they are asked for. */
export function begin<C extends ChainBackend>(
  chain: C,
  init: BlockSyncInit = {},
  more: Partial<BlockSyncComponents> = {},
  net = new ModelNet(),
): Setup<C> {
  const sync = new BlockSync({ chain, reader, peers: net, requests: net, ...more }, { behind: 1_000_000, ...init })
  const notices: PeerNotice[] = []
  sync.addEventListener('sync:peer', ({ detail }) => void notices.push(detail))
  sync.start()
  return { net, chain, sync, notices }
}

/** One that is stopped when the test is over. */
export function setUp<C extends ChainBackend>(...args: Parameters<typeof begin<C>>): Setup<C> {
  const setup = begin(...args)
  onTestFinished(async () => {
    await pass(setup.sync.stop())
    vi.useRealTimers()
  })
  return setup
}

/** Lets virtual time go on until something is settled, or far too long for it to be ever. */
export async function pass<T>(promise: Promise<T>, stepMs = 50, limitMs = 3_600_000): Promise<T> {
  const state = { isSettled: false }
  const settled = promise.finally(() => {
    state.isSettled = true
  })
  settled.catch(() => undefined)
  for (let ms = 0; !state.isSettled; ms += stepMs) {
    if (ms > limitMs) throw new RangeError(`not settled after ${limitMs} ms`)
    await vi.advanceTimersByTimeAsync(stepMs)
  }
  return await settled
}

export const run = async ({ sync }: Pick<Setup, 'sync'>): Promise<SyncResult> => await pass(sync.sync())
