import { text } from 'node:stream/consumers'
import { Command, Option } from 'commander'
import { colours } from '../colours.ts'
import type { z } from 'zod'
import { asset, sentTransaction, transactionView } from '../../http/chain/schemas.ts'
import type { NodeClient } from '../client.ts'
import { UsageError } from '../errors.ts'
import type { ReadingInput, TransferInput } from '../make-transaction.ts'
import { type NodeOptions, clientOf, wholeNumber, withNodeOptions } from '../options.ts'
import { Output, table } from '../output.ts'
import { addressArgument, amountArgument, hashArgument } from '../parse.ts'
import { whenFinal } from '../when-final.ts'
import { DEFAULT_KEY } from './wallet.ts'

/** Options of every command that sends a transaction. */
interface SendOptions extends NodeOptions {
  wait?: boolean
  timeout: number
}

/** Options of every command that signs one. */
interface SignOptions extends SendOptions {
  key: string
  /** False where `--no-send` is given. */
  send: boolean
}

/** Longest wait, in seconds: a day. */
const MAX_WAIT_S = 86_400

/** `gridmesh tx transfer|reading|show|send`: transactions, signed on this machine. */
export function txCommand(): Command {
  return new Command('tx')
    .description('make, send and follow transactions; keys never leave this machine')
    .addCommand(transferCommand())
    .addCommand(readingCommand())
    .addCommand(showCommand())
    .addCommand(sendCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  gridmesh tx transfer --to <address> --amount 1250 --asset thb --wait\n  gridmesh tx show <hash>',
    )
}

function transferCommand(): Command {
  return withSigning(new Command('transfer').description('pay money, energy or certificates to an address'))
    .requiredOption('--to <address>', 'whom to pay, 64 hex digits', addressArgument('--to'))
    .requiredOption('--amount <n>', 'how much, in satang (thb) or Wh (energy, rec)', amountArgument('amount', 1))
    .addOption(new Option('--asset <asset>', 'of what').choices(asset.options).default('thb'))
    .option('--zone <name>', 'zone of what is paid; without it, the zones that it comes from')
    .addHelpText(
      'after',
      '\nExample:\n  gridmesh tx transfer --to <address> --amount 1250 --asset thb --key solar.key --wait',
    )
    .action(async (options: SignOptions & TransferInput) => {
      const { makeTransfer } = await import('../make-transaction.ts')
      const client = clientOf(options)
      await finish(client, await makeTransfer(client, options), options)
    })
}

function readingCommand(): Command {
  return withSigning(new Command('reading').description('certify what a meter counted; only an authority may'))
    .requiredOption('--meter <name>', 'name of the meter')
    .option('--produced <wh>', 'Wh since the last reading, minted for the owner', amountArgument('produced', 0), 0)
    .option('--consumed <wh>', 'Wh since the last reading, burned from the owner', amountArgument('consumed', 0), 0)
    .option('--sequence <n>', 'number of the reading; without it, the next one', amountArgument('sequence', 1))
    .option('--time <time>', 'when it was read, in ISO 8601; without it, now', readTime)
    .addHelpText(
      'after',
      '\nExample:\n  gridmesh tx reading --meter producer --produced 1500 --key .devnet/egat/identity.key',
    )
    .action(async (options: SignOptions & ReadingInput) => {
      const { makeReading } = await import('../make-transaction.ts')
      const client = clientOf(options)
      await finish(client, await makeReading(client, options), options)
    })
}

function showCommand(): Command {
  return withNodeOptions(new Command('show').description('show a transaction, and which block has it'))
    .argument('<hash>', 'id of the transaction, 64 hex digits', hashArgument('hash'))
    .addHelpText('after', '\nExample:\n  gridmesh tx show <hash> --node mea')
    .action(async (hash: string, options: NodeOptions) => {
      const data = await clientOf(options).get(`/transaction/${hash}`, transactionView)
      new Output(options).result(data, () => wordsOf(data))
    })
}

function sendCommand(): Command {
  return withWaiting(withNodeOptions(new Command('send').description('send a transaction that was signed before')))
    .argument('<bytes>', 'the transaction in hex or base64, or - to read it from stdin')
    .addHelpText('after', '\nExample:\n  gridmesh tx transfer --to <address> --amount 5 --no-send | gridmesh tx send -')
    .action(async (given: string, options: SendOptions) => {
      const bytes = given === '-' ? (await text(process.stdin)).trim() : given
      await deliver(clientOf(options), bytes, options)
    })
}

function withSigning(command: Command): Command {
  return withWaiting(withNodeOptions(command))
    .option('--key <file>', 'key file that signs', DEFAULT_KEY)
    .option('--genesis <file>', 'genesis file: the node has to be of its chain, and is not asked for the zones')
    .option('--no-send', 'print the signed transaction in hex, and send nothing')
}

function withWaiting(command: Command): Command {
  return command
    .option('--wait', 'until it is in a block that can no longer be reverted')
    .option('--timeout <s>', 'seconds that --wait waits at most', wholeNumber('timeout', 1, MAX_WAIT_S), 120)
}

async function finish(
  client: NodeClient,
  transaction: { id: Uint8Array; bytes: Uint8Array },
  options: SignOptions,
): Promise<void> {
  const bytes = Buffer.from(transaction.bytes).toString('hex')
  if (options.send) return deliver(client, bytes, options)
  const id = Buffer.from(transaction.id).toString('hex')
  new Output(options).result({ id, bytes }, () => bytes)
}

async function deliver(client: NodeClient, bytes: string, options: SendOptions): Promise<void> {
  const output = new Output(options)
  const sent = await client.post('/transaction', { bytes }, sentTransaction)
  if (options.wait !== true) {
    const waits = sent.missing === null ? '' : `, where it waits: ${sent.missing.message}`
    output.result(sent, () => `${sent.id}\nIn the mempool of ${client.url}${waits}`)
    return
  }
  output.note(`${sent.id} is in the mempool`)
  const data = await whenFinal(client, sent.id, {
    timeoutMs: options.timeout * 1_000,
    onIncluded: ({ height }) => output.note(`In block ${height}; waiting until it is final`),
  })
  output.result(data, () => `${sent.id}\n${colours.green('final')} in block ${data.block?.height}`)
}

function wordsOf({ id, status, kind, sender, nonce, size, body, block }: z.infer<typeof transactionView>): string {
  const state =
    block?.final === true ? colours.green('final') : colours.yellow(block === null ? status : 'in a block, not final')
  return table(
    ['transaction', state],
    [
      ['id', id],
      ['kind', kind],
      ['sender', sender],
      ...(nonce === null ? [] : [['nonce', nonce]]),
      ['block', block === null ? '-' : `${block.height} ${block.hash}, ${block.confirmations} confirmations`],
      ['time', block === null ? '-' : new Date(block.time_ms).toISOString()],
      ['size', `${size} bytes`],
      ['body', JSON.stringify(body, null, 2)],
    ],
  )
}

function readTime(value: string): Date {
  const time = new Date(value)
  if (/^\d{4}-\d\d-\d\dT/.test(value) && time.getTime() >= 0) return time
  throw new UsageError(`Expected --time to be a time such as 2026-01-01T00:00:00Z, got "${value}"`)
}
