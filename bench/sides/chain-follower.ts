// A node that was away and catches up, in a process of its own: what it holds is to be its memory alone.
import { setTimeout as delay } from 'node:timers/promises'
import { ChainAt } from '../chain/chain-at.ts'
import { Peaks } from '../chain/peaks.ts'
import { RemotePeer } from '../chain/remote-peer.ts'
import { syncOf } from '../chain/sync-net.ts'
import { serve } from './serve.ts'

/** What it took to catch up. Memory in MiB. */
export interface Followed {
  /** Height at which it was at the tip of its peer for the first time, and when that was. */
  blocks: number
  seconds: number
  before: number
  /** At most, by thirds of the blocks. */
  thirds: number[]
}

/** Between two looks at where it is, in ms. */
const LOOK_MS = 50

const [, , directory = '', threads = '1', maxQueuedBytes = '0'] = process.argv
const at = await ChainAt.open({ directory, threads: Number(threads), maxQueuedBytes: Number(maxQueuedBytes) })

serve({
  /** Catches up with the peer on a socket until it is at `last`, where that will end. */
  async follow(path: string, last: number): Promise<Followed> {
    const peaks = new Peaks(() => at.chain.head.height, last)
    const begin = performance.now()
    const peer = await RemotePeer.connect(path)
    const sync = syncOf(at, peer, { behind: 0 })
    sync.start()
    let reached: Pick<Followed, 'blocks' | 'seconds'> | undefined
    while (at.chain.head.height < last) {
      await sync.sync()
      const { height, hash } = at.chain.head
      const isThere = peer.peers().some(({ tip }) => tip.hash === hash)
      if (isThere) reached ??= { blocks: height, seconds: (performance.now() - begin) / 1_000 }
      await delay(LOOK_MS)
    }
    await sync.stop()
    peer.close()
    peaks.end()
    if (reached === undefined) throw new TypeError('it ended before it was at the tip of its peer')
    return { ...reached, before: peaks.before, thirds: peaks.thirds }
  },
  stop: () => at.close(),
})
