import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { describe, expect, it, vi } from 'vitest'
import { createSimulation, type SimulationLevel } from '../src/index.ts'
import { observe, STREAM_SCRIPTS, type StreamScript } from './stream-scripts.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

/** What libp2p's own pair in memory shows; its delays are virtual, too. */
async function onLibp2pPair(script: StreamScript): Promise<string[]> {
  let seen: string[] = []
  await createSimulation({ seed: 1 }).run(async ({ clock }) => {
    const [a, b] = await streamPair({ capacity: 4, delay: 1 })
    seen = await observe(script, { a, b, settle: () => clock.sleep(10_000) })
  })
  return seen
}

async function inSimulation(script: StreamScript, level: SimulationLevel): Promise<string[]> {
  let seen: string[] = []
  await createSimulation({ seed: 1, level, nodes: 2 }).run(async ({ nodes: [first, second], clock }) => {
    if (first === undefined || second === undefined) throw new RangeError('Two nodes are needed')
    const arrived = Promise.withResolvers<Stream>()
    await second.run((_, { libp2p }) => libp2p.handle('/test/1', (stream) => arrived.resolve(stream)))
    const connection = await first.dial(second)
    const a = await first.run(() => connection.newStream('/test/1'))
    const b = await arrived.promise
    seen = await observe(script, { a, b, settle: () => clock.sleep(10_000) })
  })
  return seen
}

describe.each(STREAM_SCRIPTS)('a stream $name', (script) => {
  it.each(['host', 'stack'] as const)('at level %s as libp2p’s own pair', async (level) => {
    expect(await inSimulation(script, level)).toEqual(await onLibp2pPair(script))
  })
})
