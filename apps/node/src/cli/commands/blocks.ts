import { Command } from 'commander'
import { colours } from '../colours.ts'
import { loadNodeConfig, profileNames } from '../../config/load.ts'
import { chainInfo } from '../../http/chain/schemas.ts'
import { BlockFileReader, BlockFileWriter } from '../block-file.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { exportBlocks } from '../export-blocks.ts'
import { type NodeOptions, clientOf, collectSetting, wholeNumber, withNodeOptions } from '../options.ts'
import { Output } from '../output.ts'

/** Highest height that can be named. */
const MAX_HEIGHT = 999_999_999_999_999

/** Signals that end a process which does not heed them. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

interface ExportOptions extends NodeOptions {
  from: number
  to?: number
}

interface ImportOptions {
  config?: string
  profile?: string
  set: Record<string, string>
  json?: boolean
}

/** `gridmesh export`: writes the blocks of a running node into a file. */
export function exportCommand(): Command {
  return withNodeOptions(new Command('export').description('write the blocks of a running node into a file'))
    .argument('<file>', 'file to write; an existing one is never overwritten')
    .option('--from <height>', 'first block', wholeNumber('from', 1, MAX_HEIGHT), 1)
    .option(
      '--to <height>',
      'last block; without it, the newest that can no longer be reverted',
      wholeNumber('to', 1, MAX_HEIGHT),
    )
    .addHelpText('after', '\nExample:\n  gridmesh export blocks.gmb --from 1 --to 1000 --node mea')
    .action(async (path: string, options: ExportOptions) => {
      const [client, output] = [clientOf(options), new Output(options)]
      const { chain_id: chainId, finalised, height: newest } = await client.get('/chain/info', chainInfo)
      const { from, to = finalised.height } = options
      if (from > to || to > newest) {
        const there = `blocks 1 to ${newest}, of which those to ${finalised.height} are final`
        throw new UsageError(`There are no blocks ${from} to ${to}: the node has ${there}`)
      }
      const file = await BlockFileWriter.create(path, chainId)
      const isOver = atSignal(() => file.discardNow())
      const progress = output.progress('blocks', to - from + 1)
      try {
        await exportBlocks(client, file, { from, to, onBlock: (done) => progress.advance(done) })
        await file.close()
      } catch (err) {
        await file.discard()
        throw err
      } finally {
        progress.end()
        isOver()
      }
      output.result({ file: path, chain_id: chainId, from, to }, () => `Wrote blocks ${from} to ${to} into ${path}`)
    })
}

/** Calls `last` before a signal ends the process. Returns the call that ends this. */
function atSignal(last: () => void): () => void {
  const end = (signal: NodeJS.Signals): void => {
    over()
    last()
    process.kill(process.pid, signal)
  }
  const over = (): void => {
    for (const signal of SIGNALS) process.off(signal, end)
  }
  for (const signal of SIGNALS) process.on(signal, end)
  return over
}

/** `gridmesh import`: takes the blocks of a file into the chain of a node that does not run. */
export function importCommand(): Command {
  return new Command('import')
    .description('take the blocks of a file into the chain of a node that does not run; each is validated')
    .argument('<file>', 'file that gridmesh export wrote')
    .option('--config <file>', 'YAML file of the node')
    .option('--profile <name>', `ready settings below the file: ${profileNames().join(', ')}`)
    .option('--set <path=value>', 'one setting, above all others; may be repeated', collectSetting, {})
    .option('--json', 'print JSON for machines')
    .addHelpText('after', '\nExample:\n  gridmesh import blocks.gmb --config node.yaml')
    .action(async (path: string, options: ImportOptions) => {
      const { config } = loadNodeConfig({ file: options.config, profile: options.profile, flags: options.set })
      const output = new Output(options)
      const file = await BlockFileReader.open(path)
      const progress = output.progress('bytes', file.size)
      try {
        const { importBlocks } = await import('../import-blocks.ts')
        const report = await importBlocks(config, file, (offset) => progress.advance(offset))
        progress.end()
        const { imported, known, height, fault } = report
        if (fault !== null) {
          output.note(`${colours.red(`${path}:`)} ${fault}`)
          process.exitCode = imported + known > 0 ? EXIT.partly : EXIT.badFile
        }
        const data = { file: path, chain_id: file.chainId, ...report }
        output.result(data, () => `Imported ${imported} blocks, ${known} were known; the chain is at ${height}`)
      } finally {
        progress.end()
        await file.close()
      }
    })
}
