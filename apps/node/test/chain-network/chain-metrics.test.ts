import { metrics } from '@gridmesh/metrics'
import { defaultLogger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import { expect, it } from 'vitest'
import { ChainMetrics } from '../../src/chain-network/chain-metrics.ts'
import { ChainFailedError } from '../../src/chain/errors.ts'
import { opened } from '../chain/chains.ts'

it('counts refused blocks by code, and shows whether the chain has failed', async () => {
  const chain = await opened()
  const service = metrics()({ logger: defaultLogger(), events: new TypedEventEmitter() })
  const figures = new ChainMetrics(chain, service)
  figures.refused('bad-root')
  expect(await service.scrape()).toMatch(/^gridmesh_chain_blocks_refused_total\{code="bad-root"\} 1$/m)
  expect(await service.scrape()).toMatch(/^gridmesh_chain_failed 0$/m)
  chain.safeDispatchEvent('chain:failed', { detail: new ChainFailedError({ cause: new RangeError('no disk') }) })
  expect(await service.scrape()).toMatch(/^gridmesh_chain_failed 1$/m)
})
