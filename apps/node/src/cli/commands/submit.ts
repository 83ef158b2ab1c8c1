import { Command } from 'commander'
import PQueue from 'p-queue'
import { colours } from '../colours.ts'
import { publishedMessage } from '../../http/schemas.ts'
import { NodeRefusedError, NodeUnreachableError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { clientOf, type NodeOptions, withNodeOptions } from '../options.ts'
import { type Numbering, numberingOf, type OrderRow, readOrders } from '../orders-file.ts'
import { Output } from '../output.ts'

/** Requests under way at once. */
const CONCURRENCY = 16

interface BadRow {
  at: number
  fault: string
}

/** What became of the orders, by their numbers in the file. */
interface Submitted {
  /** Orders that reached a peer. */
  sent: number
  /** Those that the node took, and which reached nobody. */
  unheard: number[]
  /** Those that the node may have taken: it went away, and did not answer. */
  unanswered: number[]
  /** Those that were not sent any more. */
  unsent: number[]
  bad: BadRow[]
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
      const numbering = numberingOf(file)
      const place = (at: number): string =>
        colours.red(numbering === 'line' ? `${file}:${at}:` : `${file}: order ${at}:`)
      const { gone, ...submitted } = await submit(rows, options, output)
      const { sent, unheard, unanswered, unsent, bad } = submitted
      if (gone !== undefined && unsent.length + bad.length === rows.length) throw gone
      for (const { at, fault } of bad) output.note(`${place(at)} ${fault}`)
      for (const at of unheard) output.note(`${place(at)} the node took it, and it reached no peer`)
      if (gone !== undefined) output.note(`${colours.red('error:')} ${gone.message}`)
      if (unanswered.length > 0)
        output.note(`no answer came for ${named(numbering, unanswered)}: the node may have taken them`)
      if (unsent.length > 0) output.note(`not sent, to be sent again: ${named(numbering, unsent)}`)
      const badRows = bad.map(({ at, fault }) => ({ [numbering]: at, fault }))
      output.result({ file, ...submitted, bad: badRows }, () => {
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
    const { at, order } = row
    unsent.add(at)
    queue
      .add(async () => {
        if (fault !== undefined) return
        const { delivery } = await client.post('/orders', order, publishedMessage)
        unsent.delete(at)
        if (delivery.reached > 0) sent++
        else unheard.push(at)
        progress.advance(sent + unheard.length + bad.length)
      })
      .catch((err: unknown) => {
        // Without the token no other order would be taken either.
        if (err instanceof NodeRefusedError && err.status !== 401) {
          unsent.delete(at)
          bad.push({ at, fault: err.message })
          return
        }
        fault ??= err
        if (err instanceof NodeUnreachableError && !err.hadNoConnection) {
          unsent.delete(at)
          unanswered.push(at)
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
    bad: bad.toSorted((a, b) => a.at - b.at),
    gone: fault,
  }
}

/** Rows for people: `lines 3-7, 9`. */
function named(numbering: Numbering, rows: readonly number[]): string {
  const spans: [first: number, last: number][] = []
  for (const at of rows) {
    const span = spans.at(-1)
    if (span !== undefined && span[1] === at - 1) span[1] = at
    else spans.push([at, at])
  }
  return `${numbering}s ${spans.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(', ')}`
}
