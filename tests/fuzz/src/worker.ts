// One target in a thread of its own, so that an input that never ends can be told of by somebody else.
import { parentPort, workerData } from 'node:worker_threads'
import { keep, loadCorpus } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { Fuzzer } from './fuzzer.ts'
import { TARGETS } from './targets/index.ts'
import { type Beat, type Job, writeBeat } from './job.ts'

const { name, totalMs, seed, beat } = workerData as Job & { beat: Beat }
const target = TARGETS.find((one) => one.name === name)
if (target === undefined) throw new RangeError(`no target is called ${name}`)

const onInput = (bytes: Uint8Array): void => writeBeat(beat, bytes)
const coverage = new Coverage()
const report = await new Fuzzer({ target, corpus: loadCorpus(name), coverage, totalMs, seed, onInput }).run()
coverage.close()
const { kept, found, ...figures } = report
for (const bytes of kept) keep(name, bytes)
const faults = found.map(({ bytes, error }) => ({
  path: keep(name, bytes, true) ?? '',
  message: error instanceof Error ? error.message : String(error),
}))
parentPort?.postMessage({ ...figures, kept: kept.length, faults }, [])
