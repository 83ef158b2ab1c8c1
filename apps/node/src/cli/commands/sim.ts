import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SimulationLevel } from '@gridmesh/simnet'
import type { Played } from '@gridmesh/simnet/scenarios'
import { Command, Option } from 'commander'
import { fileProblem } from '../../errors.ts'
import { runJobs } from '../../sim/crew.ts'
import { figuresOf, type Job, type JobOutcome, replayCommand } from '../../sim/job.ts'
import type { Playable } from '../../sim/scenarios.ts'
import { SimulationFailedError, UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { wholeNumber } from '../options.ts'
import { Output, table } from '../output.ts'
import { runCampaign } from '../sim-campaign.ts'
import { round, tell } from '../sim-faults.ts'
import { untilSignal } from '../until-signal.ts'

/** Stands for every scenario in a campaign. */
const ALL = 'all'
const MAX_NODES = 1_000_000
const MAX_SEED = 4_294_967_295
/** Seeds of one campaign: each is a job from the start. */
const MAX_SEEDS = 100_000

interface RunOptions {
  scenario: string
  nodes?: number
  seed: number
  level: SimulationLevel
  json?: boolean
}

interface SimOptions extends RunOptions {
  seeds?: [number, number]
  trace?: string
}

/** `gridmesh sim [run|list|report]`: networks of thousands of nodes in virtual time, from one seed. */
export function simCommand(): Command {
  return new Command('sim')
    .description('simulate a network of many nodes in virtual time: the same seed gives the same run, event by event')
    .addCommand(runCommand(), { isDefault: true })
    .addCommand(listCommand())
    .addCommand(reportCommand())
    .addHelpText(
      'after',
      `
Examples:
  gridmesh sim list
  gridmesh sim --scenario churn --nodes 50 --seed 7
  gridmesh sim --scenario partition-two --seeds 1..100
  gridmesh sim --scenario chain-crash --nodes 4 --seed 3
  gridmesh sim report --scenario gossip --nodes 200 --output gossip.html

A run without a result after 61 minutes is ended, and counts as failed. Ctrl-C ends a campaign with what it has found.`,
    )
}

function withRunOptions(command: Command): Command {
  return command
    .requiredOption('--scenario <name>', 'what happens: see gridmesh sim list; with --seeds also all')
    .option('--nodes <n>', 'how many (default: what is usual for the scenario)', wholeNumber('nodes', 2, MAX_NODES))
    .option('--seed <n>', 'what decides everything random', wholeNumber('seed', 0, MAX_SEED), 1)
    .addOption(
      new Option('--level <level>', 'host: libp2p is simulated too; stack: libp2p is real')
        .choices(['host', 'stack'])
        .default('host'),
    )
    .option('--json', 'print JSON for machines')
}

function runCommand(): Command {
  return withRunOptions(new Command('run').description('run a scenario with one seed, or with many on all cores'))
    .option('--seeds <from..to>', `run each of these seeds, ${MAX_SEEDS} at most`, seedRange)
    .option('--trace <file>', 'write every event to a file: [ms, node, kind, detail] a line')
    .action(async (options: SimOptions) => {
      const { seeds, trace } = options
      if (seeds !== undefined && trace !== undefined) throw new UsageError('A trace is of one seed: leave out --seeds')
      if (seeds === undefined) await runOnce(options)
      else {
        const jobs = jobsOf(await loadScenarios(), options, seeds)
        await untilSignal(async (signal) => runCampaign(options.scenario, jobs, new Output(options), signal))
      }
    })
}

function listCommand(): Command {
  return new Command('list')
    .description('list the scenarios')
    .option('--json', 'print JSON for machines')
    .action(async (options: { json?: boolean }) => {
      const scenarios = await loadScenarios()
      const list = scenarios.map(({ name, about, nodes }) => ({
        name,
        about,
        nodes: nodes.usual,
        leastNodes: nodes.least,
      }))
      new Output(options).result(list, () =>
        table(
          ['scenario', 'nodes', 'what happens'],
          list.map(({ name, nodes, about }) => [name, nodes, about]),
        ),
      )
    })
}

function reportCommand(): Command {
  return withRunOptions(
    new Command('report').description('run a scenario, and write what became of it as an HTML page'),
  )
    .option('--output <file>', 'file to write', 'sim-report.html')
    .action(async (options: RunOptions & { output: string }) => {
      const [job, scenario] = jobOf(await loadScenarios(), options, options.seed)
      const played = await playOne(job)
      // The charts are large, and only needed here.
      const { reportPage } = await import('../../sim/page.ts')
      const path = resolve(options.output)
      await writeFile(path, reportPage(job, scenario.about, played)).catch((cause: unknown) => {
        throw fileProblem('report', path, cause)
      })
      new Output(options).result({ path, ...figuresOf(job, played) }, () => `Wrote ${path}`)
      if (played.violations.length > 0) process.exitCode = EXIT.violated
    })
}

/** Reads `from..to`. @throws {UsageError} */
function seedRange(text: string): [number, number] {
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (!(from <= to && to <= MAX_SEED))
    throw new UsageError(`Expected --seeds to be from..to, such as 1..100, got "${text}"`)
  const count = to - from + 1
  if (count > MAX_SEEDS) throw new UsageError(`Expected --seeds to be ${MAX_SEEDS} at most, got ${count} by "${text}"`)
  return [from, to]
}

/** They bring the whole node with them, which no other command of those that begin here needs. */
async function loadScenarios(): Promise<readonly Playable[]> {
  const { playables } = await import('../../sim/scenarios.ts')
  return playables
}

/** Every scenario, or the one of that name. */
function jobsOf(scenarios: readonly Playable[], options: RunOptions, [from, to]: [number, number]): Job[] {
  const names = options.scenario === ALL ? scenarios.map(({ name }) => name) : [options.scenario]
  const seeds = Array.from({ length: to - from + 1 }, (_, at) => from + at)
  return names.flatMap((scenario) => seeds.map((seed) => jobOf(scenarios, { ...options, scenario }, seed)[0]))
}

/** @throws {UsageError} when there is no such scenario, or it takes more nodes */
function jobOf(
  scenarios: readonly Playable[],
  { scenario: name, nodes, level }: RunOptions,
  seed: number,
): [Job, Playable] {
  const scenario = scenarios.find((one) => one.name === name)
  if (scenario === undefined) {
    throw new UsageError(`There is no scenario "${name}"; there are ${scenarios.map((one) => one.name).join(', ')}`)
  }
  const { usual, least } = scenario.nodes
  if (nodes !== undefined && nodes < least) throw new UsageError(`${name} takes ${least} nodes or more, got ${nodes}`)
  return [{ scenario: name, nodes: nodes ?? usual, seed, level }, scenario]
}

/** Runs one job. @throws {SimulationFailedError} when it came to no result */
async function playOne(job: Job): Promise<Played> {
  const outcomes: JobOutcome[] = []
  await untilSignal(async (signal) =>
    runJobs({ jobs: [job], signal, onOutcome: (_job, outcome) => outcomes.push(outcome) }),
  )
  const [outcome] = outcomes
  if (outcome !== undefined && 'played' in outcome) return outcome.played
  throw new SimulationFailedError(outcome?.error.message ?? 'It was stopped', replayCommand(job))
}

/** Makes the file of a trace, before a long run could come to nothing. @throws {UnusableFileError} */
async function emptyTrace(file: string): Promise<string> {
  const path = resolve(file)
  await writeFile(path, '').catch((cause: unknown) => {
    throw fileProblem('trace', path, cause)
  })
  return path
}

async function runOnce(options: SimOptions): Promise<void> {
  const output = new Output(options)
  const [job] = jobOf(await loadScenarios(), options, options.seed)
  const trace = options.trace === undefined ? undefined : await emptyTrace(options.trace)
  const played = await playOne(trace === undefined ? job : { ...job, trace })
  if (played.violations.length > 0) {
    tell(job, { played }, output)
    process.exitCode = EXIT.violated
  }
  const figures = figuresOf(job, played)
  if (output.json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else {
    const rows = Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === 'number' ? round(value) : value,
    ])
    output.result(figures, () => table(['figure', 'value'], rows))
  }
}
