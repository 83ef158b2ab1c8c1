// Sends transfers to a devnet, in a process of its own, so that what it costs is known.
import { Load, type LoadInit } from '../chain-devnet/load.ts'
import { serve } from './serve.ts'

const init = JSON.parse(process.argv[2] ?? '') as LoadInit
const load = await Load.start(init)
serve({
  prepare: async (count: number) => load.prepare(count),
  run: async (perSecond: number, seconds: number) => load.run(perSecond, seconds),
  heads: async () => load.heads(),
  stop: () => load.stop(),
})
