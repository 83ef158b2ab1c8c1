import { Command } from 'commander'
import { balanceView } from '../../http/chain/schemas.ts'
import { newKey } from '../new-key.ts'
import { type NodeOptions, clientOf, withNodeOptions } from '../options.ts'
import { Output, table } from '../output.ts'
import { addressArgument } from '../parse.ts'

/** The key file that is taken where none is named. */
export const DEFAULT_KEY = 'wallet.key'

/** `gridmesh wallet new|address|balance`: keys, and what they hold. */
export function walletCommand(): Command {
  return new Command('wallet')
    .description('make keys for the chain, and see what they hold')
    .addCommand(newCommand())
    .addCommand(addressCommand())
    .addCommand(balanceCommand())
    .addHelpText('after', '\nExamples:\n  gridmesh wallet new\n  gridmesh wallet balance --node mea')
}

function newCommand(): Command {
  return new Command('new')
    .description('make a key file, readable by its owner only; an existing one is never overwritten')
    .argument('[file]', 'file to write', DEFAULT_KEY)
    .option('--json', 'print JSON for machines')
    .addHelpText('after', '\nExample:\n  gridmesh wallet new keys/solar.key')
    .action(async (file: string, options: { json?: boolean }) => {
      const { walletOf } = await import('../wallet.ts')
      const { address } = walletOf(await newKey(file))
      new Output(options).result({ file, address }, () => `Wrote ${file}\nAddress ${address}`)
    })
}

function addressCommand(): Command {
  return new Command('address')
    .description('show the address of a key file; the key of a node is one as well')
    .argument('[file]', 'key file', DEFAULT_KEY)
    .option('--json', 'print JSON for machines')
    .addHelpText('after', '\nExample:\n  gridmesh wallet address .devnet/egat/identity.key')
    .action(async (file: string, options: { json?: boolean }) => {
      const { readWallet } = await import('../wallet.ts')
      const { address } = await readWallet(file)
      new Output(options).result({ file, address }, () => address)
    })
}

function balanceCommand(): Command {
  return withNodeOptions(new Command('balance').description('show what an address holds'))
    .argument('[address]', 'whose; that of --key where it is left out', addressArgument('address'))
    .option('--key <file>', 'key file', DEFAULT_KEY)
    .addHelpText('after', '\nExample:\n  gridmesh wallet balance --key keys/solar.key --node mea')
    .action(async (named: string | undefined, options: NodeOptions & { key: string }) => {
      const address = named ?? (await addressIn(options.key))
      const data = await clientOf(options).get(`/state/balances/${address}`, balanceView)
      new Output(options).result(data, () =>
        table(
          ['asset', 'unit', 'amount', 'can be spent', 'outputs'],
          Object.entries(data.balances).map(([asset, { amount, spendable, outputs }]) => [
            asset,
            asset === 'thb' ? 'satang' : 'Wh',
            amount,
            spendable,
            outputs,
          ]),
        ),
      )
    })
}

async function addressIn(key: string): Promise<string> {
  const { readWallet } = await import('../wallet.ts')
  return (await readWallet(key)).address
}
