import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { chainInfo } from '../../http/chain/schemas.ts'
import type { NodeClient } from '../client.ts'
import { type NodeOptions, clientOf, withNodeOptions } from '../options.ts'
import { Output, type Progress } from '../output.ts'
import { syncInWords } from '../sync-words.ts'

/** Time between two looks, in ms. */
const LOOK_MS = 500

/** `gridmesh sync status`: how far a node has caught up. */
export function syncCommand(): Command {
  const status = withNodeOptions(new Command('status').description('show how far a node has caught up'))
    .addHelpText(
      'after',
      '\nOn a terminal it follows a sync to its end; elsewhere, and with --json, it prints one line.\n\nExample:\n  gridmesh sync status --node mea',
    )
    .action(async (options: NodeOptions) => {
      const client = clientOf(options)
      const output = new Output(options)
      if (output.isInteractive) await follow(client, output)
      const info = await client.get('/chain/info', chainInfo)
      const { height, finalised, sync } = info
      output.result({ height, finalised, sync }, () => syncInWords(info))
    })
  return new Command('sync').description('see how a node catches up with its peers').addCommand(status)
}

/** Shows a sync that is under way until it is over. */
async function follow(client: NodeClient, output: Output): Promise<void> {
  let bar: Progress | undefined
  let shown = ''
  try {
    for (;;) {
      const { sync } = await client.get('/chain/info', chainInfo)
      const { phase, progress } = sync
      if (phase === 'idle') return
      if (progress !== null) {
        // Another phase, or another target, is another bar.
        if (shown !== `${phase} ${progress.target}`) bar?.end()
        bar = shown === `${phase} ${progress.target}` ? bar : output.progress(phase, progress.target)
        shown = `${phase} ${progress.target}`
        bar?.advance(progress.height, `${progress.blocks_per_second.toFixed(1)} a second`)
      }
      await delay(LOOK_MS)
    }
  } finally {
    bar?.end()
  }
}
