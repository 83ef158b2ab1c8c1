import { readFileSync } from 'node:fs'
import { type RunningDevnet, startDevnet } from '@gridmesh-internal/support'
import type { LoadInit, LoadResult } from '../chain-devnet/load.ts'
import { type Bench, type Line, median } from '../report.ts'
import { Side } from '../side.ts'

const NODES = 5
/**
 * Transfers a second, each for so many seconds; `CHAIN_RATES=1000x60` takes others. The lower rates come first since five
 * processes that have just begun take ten to twenty seconds until their code is compiled.
 */
const RATES = '100x10,250x10,500x15,1000x60'
/** Times that the last rate is measured, the others once. */
const ROUNDS = 3
/** Share of a rate that has to be in blocks as fast as it came for the rate to be sustained. */
const SUSTAINED = 0.95
const MAX_P99_MS = 1_000
/** Clock ticks of a process's times in `/proc`, in ms. */
const TICK_MS = 10

/** What a person meets who pays: five whole nodes, and the time until another one than they asked has it in a block. */
export const bench: Bench = {
  about: `${NODES} real processes; transfers signed beforehand, by HTTP to all by turns, seen in blocks of node ${NODES}`,
  async *run() {
    const rates = (process.env['CHAIN_RATES'] ?? RATES).split(',').map((rate) => rate.split('x').map(Number))
    const devnet = await startDevnet(NODES, ['--profile', 'gridtokenx'], {})
    const init: LoadInit = { nodes: devnet.nodes }
    const side = await Side.start(new URL('../sides/chain-load.ts', import.meta.url), [JSON.stringify(init)])
    try {
      for (const [i, [perSecond = 0, seconds = 0]] of rates.entries()) {
        const wanted = i === rates.length - 1 ? ROUNDS : 1
        const rounds: Round[] = []
        while (rounds.length < wanted) rounds.push(await atRate({ devnet, side }, perSecond, seconds))
        yield* lines(rounds, perSecond, seconds)
      }
    } finally {
      await side.stop()
      await devnet.stop()
    }
  },
}

/** What came of a rate. */
interface Round extends LoadResult {
  /** Nodes whose head is that of the first. */
  agreeing: number
  /** Processor that each node took, and who sent, in cores. */
  nodes: readonly number[]
  sender: number
}

async function atRate(
  { devnet, side }: { devnet: RunningDevnet; side: Side },
  perSecond: number,
  seconds: number,
): Promise<Round> {
  await side.call('prepare', perSecond * seconds)
  const cpuMs = async (): Promise<[number[], number]> => [
    devnet.nodes.map(({ pid }) => cpuMsOf(pid)),
    await side.call<number>('cpuMs'),
  ]
  const [before, senderBefore] = await cpuMs()
  const startMs = performance.now()
  const result = await side.call<LoadResult>('run', perSecond, seconds)
  const tookMs = performance.now() - startMs
  const [after, senderAfter] = await cpuMs()
  const heads = await side.call<string[]>('heads')
  return {
    ...result,
    agreeing: heads.filter((head) => head === heads[0]).length,
    nodes: after.map((ms, index) => (ms - (before[index] ?? 0)) / tookMs),
    sender: (senderAfter - senderBefore) / tookMs,
  }
}

function* lines(rounds: readonly Round[], perSecond: number, seconds: number): Iterable<Line> {
  const figure = (metric: string, unit: string, of: (round: Round) => number): Line => {
    const raw = rounds.map(of)
    return { case: `${perSecond} transfers a second for ${seconds} s`, metric, unit, ours: median(raw), raw }
  }
  const every = (isMet: (round: Round) => boolean): boolean => rounds.every(isMet)
  const [all, least] = [perSecond * seconds, SUSTAINED * perSecond]
  const rate = figure('rate in blocks', '/s', ({ included, tookMs }) => (included * 1_000) / tookMs)
  const p99 = figure('p99', 'ms', ({ p99Ms }) => p99Ms)
  yield figure('sent', '', ({ sent }) => sent)
  yield {
    ...figure('in blocks', '', ({ included }) => included),
    goal: 'all in each round',
    met: every(({ included, refused }) => included === all && refused === 0),
  }
  yield { ...rate, goal: `>= ${least}`, met: rate.ours >= least }
  yield figure('last sent late', 'ms', ({ lateMs }) => lateMs)
  yield figure('p50', 'ms', ({ p50Ms }) => p50Ms)
  yield { ...p99, goal: `< ${MAX_P99_MS}`, met: p99.ours < MAX_P99_MS }
  yield {
    ...figure('nodes that agree', '', ({ agreeing }) => agreeing),
    goal: `= ${NODES} in each round`,
    met: every(({ agreeing }) => agreeing === NODES),
  }
  yield figure('processor of all nodes', 'cores', ({ nodes }) => nodes.reduce((sum, each) => sum + each, 0))
  yield figure('processor of who sends', 'cores', ({ sender }) => sender)
}

/** Processor time of a process so far, in ms. */
function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may have anything in it: user and system time are the 12th and 13th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
