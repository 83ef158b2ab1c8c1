import { Command } from 'commander'
import { colours } from '../colours.ts'
import type { z } from 'zod'
import { blockView, chainInfo } from '../../http/chain/schemas.ts'
import { UsageError } from '../errors.ts'
import { type NodeOptions, clientOf, withNodeOptions } from '../options.ts'
import { Output, table } from '../output.ts'
import { syncInWords } from '../sync-words.ts'

/** `gridmesh chain info|block`: what the chain of a node is, and its blocks. */
export function chainCommand(): Command {
  return new Command('chain')
    .description('look at the chain of a node')
    .addCommand(infoCommand())
    .addCommand(blockCommand())
    .addHelpText('after', '\nExamples:\n  gridmesh chain info --node mea\n  gridmesh chain block latest')
}

function infoCommand(): Command {
  return withNodeOptions(new Command('info').description('show height, finality, authorities and supplies'))
    .addHelpText('after', '\nExample:\n  gridmesh chain info --json')
    .action(async (options: NodeOptions) => {
      const info = await clientOf(options).get('/chain/info', chainInfo)
      new Output(options).result(info, () => infoInWords(info))
    })
}

function blockCommand(): Command {
  return withNodeOptions(new Command('block').description('show a block'))
    .argument('<which>', 'height, hash, or latest', readWhich)
    .addHelpText('after', '\nExamples:\n  gridmesh chain block latest\n  gridmesh chain block 17 --json')
    .action(async (path: string, options: NodeOptions) => {
      const block = await clientOf(options).get(path, blockView)
      new Output(options).result(block, () => blockInWords(block))
    })
}

/** The path of the API for what a person names. @throws {UsageError} */
function readWhich(text: string): string {
  if (text === 'latest' || /^[0-9a-f]{64}$/.test(text)) return `/block/${text}`
  if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return `/block/height/${text}`
  throw new UsageError(`Expected a height, a hash of 64 lower-case hex digits, or latest, got "${text}"`)
}

function infoInWords(info: z.infer<typeof chainInfo>): string {
  const { finalised, authorities, mempool, supplies } = info
  return table(
    [info.name, info.failure === null ? colours.green('runs') : colours.red(`failed: ${info.failure}`)],
    [
      ['chain id', info.chain_id],
      ['height', `${info.height} ${info.hash}`],
      ['time', new Date(info.time_ms).toISOString()],
      ['final', `${finalised.height} ${finalised.hash}`],
      ['state root', info.state_root],
      ['fork choice', info.fork_choice],
      ['authorities', authorities.join('\n')],
      ['zones', info.zones.map((name, number) => `${number} ${name}`).join(', ')],
      ['mempool', `${mempool.transactions} transactions, ${mempool.bytes} bytes, ${mempool.waiting} waiting`],
      ['thb', `${supplies.thb.held} satang (${supplies.thb.minted} issued, ${supplies.thb.burned} redeemed)`],
      ['energy', `${supplies.energy.held} Wh (${supplies.energy.minted} minted, ${supplies.energy.burned} burned)`],
      ['rec', `${supplies.rec.held} Wh`],
      ['sync', syncInWords(info)],
    ],
  )
}

function blockInWords(block: z.infer<typeof blockView>): string {
  const state = block.final
    ? colours.green('final')
    : colours.yellow(block.main ? 'not final' : 'beside the main chain')
  const fields = table(
    [`block ${block.height}`, state],
    [
      ['hash', block.hash],
      ['parent', block.parent],
      ['time', new Date(block.time_ms).toISOString()],
      ['kind', block.kind],
      ['proposer', block.proposer],
      ['state root', block.state_root],
      ['size', `${block.size} bytes`],
      ['transactions', block.transactions.length],
    ],
  )
  if (block.transactions.length === 0) return fields
  const rows = block.transactions.map(({ id, kind, sender }) => [id, kind, sender])
  return `${fields}\n\n${table(['transaction', 'kind', 'sender'], rows)}`
}
