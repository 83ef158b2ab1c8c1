import { watchFile } from 'node:fs'
import type { ShutdownReport } from '@gridmesh/interfaces'
import { Command } from 'commander'
import { type ConfigSources, loadNodeConfig, profileNames } from '../../config/load.ts'
import { type NodeLog, createLog } from '../../logging.ts'
import type { GridmeshNode } from '../../node.ts'
import { EXIT } from '../exit-codes.ts'
import { collectSetting } from '../options.ts'

/** Time between two looks at the configuration file, in ms. */
const WATCH_INTERVAL_MS = 1_000
/** A second signal this soon is the same Ctrl-C, passed on by a launcher, and not a person's impatience. */
const SAME_SIGNAL_MS = 500

interface StartOptions {
  config?: string
  profile?: string
  set: Record<string, string>
}

/** `gridmesh start`: runs one node until it is told to stop. */
export function startCommand(): Command {
  return new Command('start')
    .description('run a node until Ctrl-C or SIGTERM; a second signal ends it at once')
    .option('--config <file>', 'YAML file')
    .option('--profile <name>', `ready settings below the file: ${profileNames().join(', ')}`)
    .option('--set <path=value>', 'one setting, above all others; may be repeated', collectSetting, {})
    .addHelpText('after', '\nExample:\n  gridmesh start --config node.yaml --set p2p.port=9001')
    .action(async ({ config: file, profile, set: flags }: StartOptions) => {
      const sources = { file, profile, flags }
      const { config } = loadNodeConfig(sources)
      // Loaded here: every other command would wait for libp2p and never use it.
      const { createNode } = await import('../../create-node.ts')
      const log = createLog(config.logs)
      surviveFaults(log)
      const node = await createNode({ config, log })
      const { stopped, letGo } = untilStopped(node)
      if (await hasStarted(node, letGo)) {
        watchLevels(sources, log)
        process.send?.({ type: 'ready', url: node.url })
      }
      const report = await stopped
      tellLeftovers(report, log)
      process.exit(report.clean ? EXIT.done : EXIT.unexpected)
    })
}

/** Starts the node; `false` where it was told to stop meanwhile, which is no error. */
async function hasStarted(node: GridmeshNode, onFailure: () => void): Promise<boolean> {
  try {
    await node.start()
    return true
  } catch (err) {
    if (err instanceof Error && err.name === 'NodeStoppedError') return false
    onFailure()
    throw err
  }
}

/** One bad peer or one bad promise must not end the node: it is logged, and the node lives on. */
function surviveFaults(log: NodeLog): void {
  const say = log.forComponent('gridmesh:node')
  process.on('uncaughtException', (err) => say.error('uncaught: %e', err))
  process.on('unhandledRejection', (err) => say.error('unhandled: %e', err))
}

interface Ending {
  /** Resolves with the report when a signal, the parent's end or an authority's word has stopped the node. */
  stopped: Promise<ShutdownReport>
  /** Ends the wait for the parent's end, which keeps the process alive. */
  letGo: () => void
}

function untilStopped(node: GridmeshNode): Ending {
  let firstMs: number | undefined
  const stop = (): void => {
    if (firstMs !== undefined && performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT.unexpected)
    firstMs ??= performance.now()
    node.stop().catch((err: unknown) => node.log.pino.fatal(err))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // The parent of a devnet is gone, however it went, and be it before this: no node is left behind.
  if (process.send !== undefined && !process.connected) stop()
  process.on('disconnect', stop)
  return { stopped: node.stopped, letGo: () => process.off('disconnect', stop) }
}

/** Applies new log levels while the node runs, whenever the configuration file changes. */
function watchLevels(sources: ConfigSources, log: NodeLog): void {
  const { file } = sources
  if (file === undefined) return
  const say = log.forComponent('gridmesh:node')
  watchFile(file, { interval: WATCH_INTERVAL_MS, persistent: false }, () => {
    try {
      log.setLevels(loadNodeConfig(sources).config.logs)
      say('log levels read again from %s', file)
    } catch (err) {
      say.error('%s stays as it was: %e', file, err)
    }
  })
}

function tellLeftovers({ steps }: ShutdownReport, log: NodeLog): void {
  const left = steps.filter(({ outcome }) => outcome !== 'done').map(({ name, outcome }) => `${name} (${outcome})`)
  if (left.length > 0) log.forComponent('gridmesh:node').error('not stopped cleanly: %s', left.join(', '))
}
