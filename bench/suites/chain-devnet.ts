import { readFileSync } from 'node:fs'
import { type RunningDevnet, startDevnet } from '@gridmesh-internal/support'
import type { LoadInit, LoadResult } from '../chain-devnet/load.ts'
import type { Bench, Line } from '../report.ts'
import { Side } from '../side.ts'

const NODES = 5
/**
 * Transfers a second, each for so many seconds; `CHAIN_RATES=1000x60` takes others. The lower rates come first since five
 * processes that have just begun take ten to twenty seconds until their code is compiled.
 */
const RATES = '100x10,250x10,500x15,1000x60'
/** Share of a rate that has to be in blocks as fast as it came for the rate to be sustained. */
const SUSTAINED = 0.95
/** Clock ticks of a process's times in `/proc`, in ms. */
const TICK_MS = 10

/** What a person meets who pays: five whole nodes, and the time until another one than they asked has it in a block. */
export const bench: Bench = {
  about: `${NODES} real processes; transfers signed beforehand, by HTTP to all by turns, seen in blocks of node ${NODES}`,
  async *run() {
    const rates = (process.env['CHAIN_RATES'] ?? RATES).split(',').map((rate) => rate.split('x').map(Number))
    const devnet = await startDevnet(NODES, ['--profile', 'gridtokenx'])
    const init: LoadInit = { nodes: devnet.nodes }
    const side = await Side.start(new URL('../sides/chain-load.ts', import.meta.url), [JSON.stringify(init)])
    try {
      for (const [perSecond = 0, seconds = 0] of rates) yield* atRate({ devnet, side }, perSecond, seconds)
    } finally {
      await side.stop()
      await devnet.stop()
    }
  },
}

async function* atRate(
  { devnet, side }: { devnet: RunningDevnet; side: Side },
  perSecond: number,
  seconds: number,
): AsyncIterable<Line> {
  await side.call('prepare', perSecond * seconds)
  const cpuMs = async (): Promise<[number[], number]> => [
    devnet.nodes.map(({ pid }) => cpuMsOf(pid)),
    await side.call<number>('cpuMs'),
  ]
  const [before, makerBefore] = await cpuMs()
  const startMs = performance.now()
  const result = await side.call<LoadResult>('run', perSecond, seconds)
  const tookMs = performance.now() - startMs
  const [after, makerAfter] = await cpuMs()
  const heads = await side.call<string[]>('heads')
  const line = { case: `${perSecond} transfers a second for ${seconds} s` }
  const cores = (ms: number): number => ms / tookMs
  yield* figures(line, result, perSecond, seconds)
  const agreeing = heads.filter((head) => head === heads[0]).length
  yield { ...line, ...single('nodes that agree', '', agreeing), goal: `= ${NODES}`, met: agreeing === NODES }
  const nodes = after.map((ms, index) => cores(ms - (before[index] ?? 0)))
  yield { ...line, metric: 'processor of all nodes', unit: 'cores', ours: nodes.reduce((a, b) => a + b, 0), raw: nodes }
  yield { ...line, ...single('processor of who sends', 'cores', cores(makerAfter - makerBefore)) }
}

function* figures(line: Pick<Line, 'case'>, result: LoadResult, perSecond: number, seconds: number): Iterable<Line> {
  const { sent, refused, included, tookMs, lateMs, p50Ms, p99Ms } = result
  const rate = (included * 1_000) / tookMs
  const least = SUSTAINED * perSecond
  yield { ...line, ...single('sent', '', sent) }
  yield {
    ...line,
    ...single('in blocks', '', included),
    goal: 'all',
    met: included === perSecond * seconds && refused === 0,
  }
  yield { ...line, ...single('rate in blocks', '/s', rate), goal: `>= ${least}`, met: rate >= least }
  yield { ...line, ...single('last sent late', 'ms', lateMs) }
  yield { ...line, ...single('p50', 'ms', p50Ms) }
  yield { ...line, ...single('p99', 'ms', p99Ms), goal: '< 1000', met: p99Ms < 1_000 }
}

function single(metric: string, unit: string, value: number): Pick<Line, 'metric' | 'unit' | 'ours' | 'raw'> {
  return { metric, unit, ours: value, raw: [value] }
}

/** Processor time of a process so far, in ms. */
function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may have anything in it: user and system time are the 12th and 13th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
