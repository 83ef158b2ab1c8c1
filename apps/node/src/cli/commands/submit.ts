import { Command } from 'commander'
import PQueue from 'p-queue'
import { colours } from '../colours.ts'
import { publishedMessage } from '../../http/schemas.ts'
import { EXIT } from '../exit-codes.ts'
import { clientOf, type NodeOptions, withNodeOptions } from '../options.ts'
import { type OrderRow, readOrders } from '../orders-file.ts'
import { Output } from '../output.ts'

/** Requests under way at once. */
const CONCURRENCY = 16

interface BadLine {
  line: number
  fault: string
}

/** `gridmesh submit`: sends orders from a file. */
export function submitCommand(): Command {
  return withNodeOptions(new Command('submit').description('send the orders of a JSON or CSV file'))
    .argument('<file>', 'order.json with one order or a list, or orders.csv with a header line')
    .addHelpText(
      'after',
      '\nExamples:\n  gridmesh submit order.json\n  gridmesh submit orders.csv --node producer --json',
    )
    .action(async (file: string, options: NodeOptions) => {
      const rows = await readOrders(file)
      const output = new Output(options)
      const { sent, bad } = await submit(rows, options, output)
      for (const { line, fault } of bad) output.note(`${colours.red(`${file}:${line}:`)} ${fault}`)
      output.result({ file, sent, bad }, () => `Sent ${sent} of ${rows.length} orders; ${bad.length} bad`)
      if (bad.length > 0) process.exitCode = sent > 0 ? EXIT.partly : EXIT.badFile
    })
}

async function submit(
  rows: OrderRow[],
  options: NodeOptions,
  output: Output,
): Promise<{ sent: number; bad: BadLine[] }> {
  const client = clientOf(options)
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const progress = output.progress('orders', rows.length)
  const bad: BadLine[] = []
  let sent = 0
  let unreachable: unknown
  for (const row of rows) {
    if ('fault' in row) {
      bad.push(row)
      continue
    }
    queue
      .add(async () => {
        await client.post('/orders', row.order, publishedMessage)
        progress.advance(++sent + bad.length)
      })
      .catch((err: unknown) => {
        if (err instanceof Error && err.name === 'NodeRefusedError') {
          bad.push({ line: row.line, fault: err.message })
        } else {
          unreachable ??= err
          queue.clear()
        }
      })
  }
  await queue.onIdle()
  progress.end()
  if (unreachable !== undefined) throw unreachable
  return { sent, bad: bad.toSorted((a, b) => a.line - b.line) }
}
