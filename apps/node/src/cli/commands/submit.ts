import { Command } from 'commander'
import PQueue from 'p-queue'
import { colours } from '../colours.ts'
import { publishedMessage } from '../../http/schemas.ts'
import { NodeRefusedError, NodeUnreachableError } from '../errors.ts'
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

/** What became of the orders. */
interface Submitted {
  /** Orders that reached a peer. */
  sent: number
  /** Lines whose order the node took, and which reached nobody. */
  unheard: number[]
  /** Lines whose order the node may have taken: it went away, and did not answer. */
  unanswered: number[]
  /** Lines whose order was not sent any more. */
  unsent: number[]
  bad: BadLine[]
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
      const { gone, ...submitted } = await submit(rows, options, output)
      const { sent, unheard, unanswered, unsent, bad } = submitted
      if (gone !== undefined && unsent.length + bad.length === rows.length) throw gone
      for (const { line, fault } of bad) output.note(`${colours.red(`${file}:${line}:`)} ${fault}`)
      for (const line of unheard)
        output.note(`${colours.red(`${file}:${line}:`)} the node took it, and it reached no peer`)
      if (gone !== undefined) output.note(`${colours.red('error:')} ${gone.message}`)
      if (unanswered.length > 0) output.note(`no answer came for ${linesOf(unanswered)}: the node may have taken them`)
      if (unsent.length > 0) output.note(`not sent, to be sent again: ${linesOf(unsent)}`)
      output.result({ file, ...submitted }, () => {
        const counts = { 'reached nobody': unheard, 'not answered': unanswered, 'not sent': unsent }
        const others = Object.entries(counts).filter(([, lines]) => lines.length > 0)
        const missed = others.map(([what, lines]) => `; ${lines.length} ${what}`).join('')
        return `Sent ${sent} of ${rows.length} orders; ${bad.length} bad${missed}`
      })
      if (sent === rows.length) return
      const isPartly = sent > 0 || (gone !== undefined && unheard.length > 0)
      if (isPartly) process.exitCode = EXIT.partly
      else if (gone !== undefined) process.exitCode = EXIT.unreachable
      else process.exitCode = unheard.length > 0 ? EXIT.unheard : EXIT.badFile
    })
}

/** Sends all, until the node is gone. */
async function submit(
  rows: readonly OrderRow[],
  options: NodeOptions,
  output: Output,
): Promise<Submitted & { gone: Error | undefined }> {
  const client = clientOf(options)
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const progress = output.progress('orders', rows.length)
  const bad = rows.filter((row) => 'fault' in row)
  const [unheard, unanswered]: [number[], number[]] = [[], []]
  const unsent = new Set<number>()
  let sent = 0
  let fault: unknown
  for (const row of rows) {
    if ('fault' in row) continue
    const { line, order } = row
    unsent.add(line)
    queue
      .add(async () => {
        if (fault !== undefined) return
        const { delivery } = await client.post('/orders', order, publishedMessage)
        unsent.delete(line)
        if (delivery.reached > 0) sent++
        else unheard.push(line)
        progress.advance(sent + unheard.length + bad.length)
      })
      .catch((err: unknown) => {
        if (err instanceof NodeRefusedError) {
          unsent.delete(line)
          bad.push({ line, fault: err.message })
          return
        }
        fault ??= err
        if (err instanceof NodeUnreachableError && !err.hadNoConnection) {
          unsent.delete(line)
          unanswered.push(line)
        }
      })
  }
  await queue.onIdle()
  progress.end()
  if (fault !== undefined && !(fault instanceof NodeUnreachableError)) throw fault
  return {
    sent,
    unheard: unheard.toSorted((a, b) => a - b),
    unanswered: unanswered.toSorted((a, b) => a - b),
    unsent: [...unsent],
    bad: bad.toSorted((a, b) => a.line - b.line),
    gone: fault,
  }
}

/** Lines for people: `lines 3-7, 9`. */
function linesOf(lines: readonly number[]): string {
  const spans: [first: number, last: number][] = []
  for (const line of lines) {
    const span = spans.at(-1)
    if (span !== undefined && span[1] === line - 1) span[1] = line
    else spans.push([line, line])
  }
  return `lines ${spans.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(', ')}`
}
