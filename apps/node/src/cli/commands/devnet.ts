import { Command } from 'commander'
import { colours } from '../colours.ts'
import { loadNodeConfig, profileNames } from '../../config/load.ts'
import { Devnet } from '../../devnet/devnet.ts'
import { manifestPath } from '../../devnet/manifest.ts'
import { replay, type ReplaySummary } from '../../devnet/replay.ts'
import { COLUMNS, INTERVALS, type Reading, readSampleDay } from '../../devnet/sample-day.ts'
import { hintsFor, restartCommand } from '../devnet-hints.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { DEFAULT_DATA, wholeNumber } from '../options.ts'
import { Output, table } from '../output.ts'

interface DevnetOptions {
  nodes: number
  profile: string
  data: string
  baseHttp: number
  baseP2p: number
  replay?: string
  speed: number
  exitAfterReplay?: boolean
  json?: boolean
}

/** `gridmesh devnet`: a network of several nodes on this machine. */
export function devnetCommand(): Command {
  return new Command('devnet')
    .description('run a network of several nodes on this machine, each a process of its own, until Ctrl-C')
    .option('--nodes <n>', 'how many: three authorities, then producers and consumers', wholeNumber('nodes', 1, 50), 5)
    .option('--profile <name>', `ready settings: ${profileNames().join(', ')}`, 'gridtokenx')
    .option('--data <dir>', 'directory of everything it writes, for one devnet at a time', DEFAULT_DATA)
    .option('--base-http <port>', 'HTTP port of the first node', wholeNumber('base-http', 1, 65_535), 8545)
    .option('--base-p2p <port>', 'P2P port of the first node', wholeNumber('base-p2p', 1, 65_535), 9000)
    .option('--replay <file>', 'feed it a sample day of meter readings, as orders and on its chain')
    .option('--speed <factor>', 'how much faster than the clock', wholeNumber('speed', 1, 1_000_000), 900)
    .option('--exit-after-replay', 'stop when the replay is over')
    .option('--json', 'print JSON for machines')
    .addHelpText(
      'after',
      `\nA day is CSV with the columns ${COLUMNS.join(',')}: of quarter-hours 0 to ${INTERVALS - 1},\nand of meters that genesis.yaml in the directory of the devnet names, such as north-solar-000.\n\nExamples:\n  gridmesh devnet --nodes 7\n  gridmesh devnet --replay day.csv --speed 3600`,
    )
    .action(run)
}

async function run(options: DevnetOptions): Promise<void> {
  const output = new Output(options)
  if (options.exitAfterReplay === true && options.replay === undefined) {
    throw new UsageError('Expected --replay with --exit-after-replay: without one it is never over')
  }
  const day = options.replay === undefined ? undefined : await readSampleDay(options.replay)
  const stopping = new AbortController()
  // A terminal's Ctrl-C reaches us and the launcher, which passes it on: more than one signal is normal.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())

  const devnet = new Devnet(options)
  try {
    const progress = output.progress('starting', options.nodes * 2)
    await devnet.start(stopping.signal, (done, note) => progress.advance(done, note)).finally(() => progress.end())
    announce(devnet, options, output)
    const allGone = watch(devnet, options, stopping.signal, output)
    if (day !== undefined) await play(day, devnet, options, stopping, output)
    await Promise.race([allGone, aborted(stopping.signal)])
    if (!stopping.signal.aborted) process.exitCode = EXIT.unexpected
  } catch (err) {
    // Ctrl-C while starting is no error.
    if (!stopping.signal.aborted) throw err
  } finally {
    stopping.abort()
    await devnet.stop()
  }
  output.note(colours.dim('stopped'))
  process.exit()
}

function announce({ processes }: Devnet, options: DevnetOptions, output: Output): void {
  const nodes = processes.map(({ node, pid }) => ({ ...node, pid }))
  output.result({ profile: options.profile, nodes }, () =>
    [
      table(
        ['node', 'role', 'region', 'HTTP API', 'peers', 'pid', 'peer id'],
        nodes.map((node) => [node.name, node.role, node.region, node.url, nodes.length - 1, node.pid, node.peerId]),
      ),
      '',
      `${colours.green('ready')}: ${nodes.length} nodes, each connected to all others. ${manifestPath(options.data)} says where. Try`,
      ...hintsFor(nodes, options.data).map((hint) => `  ${hint}`),
      `  curl -s ${nodes.at(-1)?.url}/api/v1/feed`,
      'Ctrl-C stops them all.',
    ].join('\n'),
  )
}

/** Tells of nodes that end on their own. Resolves when none is left. */
async function watch(
  { processes }: Devnet,
  { profile }: DevnetOptions,
  signal: AbortSignal,
  output: Output,
): Promise<void> {
  await Promise.all(
    processes.map(async ({ node, exited, pid }) => {
      const code = await exited
      if (signal.aborted) return
      output.note(
        colours.yellow(`${node.name} (pid ${pid}) ended${code === null ? ' by a signal' : ` with exit code ${code}`}.`),
      )
      output.note(`Start it again with: ${restartCommand(node, profile)}`)
    }),
  )
}

async function play(
  day: Reading[][],
  devnet: Devnet,
  options: DevnetOptions,
  stopping: AbortController,
  output: Output,
): Promise<void> {
  const progress = output.progress('replay', day.length)
  const nodes = devnet.processes.map(({ node }) => node)
  const summary = await replay({
    day,
    nodes,
    speed: options.speed,
    data: options.data,
    hasChain: loadNodeConfig({ profile: options.profile }).config.chain.enabled,
    signal: stopping.signal,
    onInterval: (done, { orders, transactions }) =>
      progress.advance(done, `${orders} orders, ${transactions} transactions`),
  })
  progress.end()
  output.result(summary, () => describe(summary))
  const { refused, audit } = summary
  if (refused > 0 || audit?.agree === false || audit?.exact === false) process.exitCode = EXIT.partly
  if (options.exitAfterReplay === true) stopping.abort()
}

function describe({ readings, orders, marketData, transactions, refused, audit }: ReplaySummary): string {
  const lines = [`Replayed ${readings} readings as ${orders} orders and ${marketData} market data; ${refused} refused`]
  if (audit === undefined) return lines.join('\n')
  const { height, stateRoot, agree, exact } = audit
  return [
    ...lines,
    `Settled by ${transactions} transactions in ${height} blocks`,
    agree ? `All nodes have the state ${stateRoot}` : colours.red('The nodes do not have the same state'),
    exact
      ? 'The supply of each asset is exact on every node'
      : colours.red('A node holds more or less than was minted'),
  ].join('\n')
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
