import { logger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import { expect, it } from 'vitest'
import { tellChain } from '../../src/chain-network/chain-log.ts'
import type { NodeChain } from '../../src/chain-network/node-chain.ts'

it('tells why the blocks before a checkpoint are missing yet', () => {
  const [mempool, engine] = [new TypedEventEmitter(), new TypedEventEmitter()]
  const chain = Object.assign(new TypedEventEmitter(), { mempool, engine })
  const sync = new TypedEventEmitter<{ 'sync:history-failed': CustomEvent<{ code: string; message: string }> }>()
  const lines: unknown[][] = []
  const log = Object.assign((...line: unknown[]) => void lines.push(line), logger('test'))
  tellChain(log, { chain, sync } as unknown as NodeChain)
  sync.safeDispatchEvent('sync:history-failed', { detail: { code: 'no-progress', message: 'nobody gives blocks' } })
  expect(lines).toEqual([[expect.stringContaining('before the checkpoint'), 'no-progress', 'nobody gives blocks']])
})
