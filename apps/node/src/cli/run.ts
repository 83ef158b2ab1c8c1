import { Command, CommanderError } from 'commander'
import { colours } from './colours.ts'
import { VERSION } from '../version.ts'
import { refuseEmptyPaths } from './empty-paths.ts'
import { EXIT, EXIT_HELP, exitCodeOf } from './exit-codes.ts'

const EXAMPLES = `Examples:
  gridmesh devnet                                a network of five nodes on this machine
  gridmesh devnet --replay day.csv               and a day of meter readings
  gridmesh start --config node.yaml              one node
  gridmesh config check --config node.yaml       is the file right?
  gridmesh submit order.json --url http://127.0.0.1:8546
  gridmesh emergency --zone bangkok --severity severe --action reduce-load
  gridmesh peers --json
  gridmesh wallet new
  gridmesh tx transfer --to <address> --amount 1250 --asset thb --wait
  gridmesh export blocks.gmb --node mea
  gridmesh sim --scenario churn --seeds 1..100    does it hold when nodes come and go?`

/** Loaded when they are called: each takes with it all that it works with. In the order in which help shows them. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./commands/start.ts')).startCommand(),
  devnet: async () => (await import('./commands/devnet.ts')).devnetCommand(),
  keygen: async () => (await import('./commands/keygen.ts')).keygenCommand(),
  config: async () => (await import('./commands/config.ts')).configCommand(),
  status: async () => (await import('./commands/status.ts')).statusCommand(),
  peers: async () => (await import('./commands/peers.ts')).peersCommand(),
  submit: async () => (await import('./commands/submit.ts')).submitCommand(),
  emergency: async () => (await import('./commands/emergency.ts')).emergencyCommand(),
  wallet: async () => (await import('./commands/wallet.ts')).walletCommand(),
  tx: async () => (await import('./commands/tx.ts')).txCommand(),
  chain: async () => (await import('./commands/chain.ts')).chainCommand(),
  sync: async () => (await import('./commands/sync.ts')).syncCommand(),
  export: async () => (await import('./commands/blocks.ts')).exportCommand(),
  import: async () => (await import('./commands/blocks.ts')).importCommand(),
  sim: async () => (await import('./commands/sim.ts')).simCommand(),
}

/** Runs the command line and sets the exit code, by which one sees that it is done. Never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('gridmesh')
    .description('Peer-to-peer networking for blockchains, and an energy-trading network built on it')
    .version(VERSION, '--version')
    .addHelpText('after', `\n${EXAMPLES}\n\n${EXIT_HELP}`)
    .showHelpAfterError('Run with --help to see what is possible.')
    .exitOverride()
    .hook('preAction', (_, command) => refuseEmptyPaths(command))
  const called = Object.hasOwn(COMMANDS, argv[2] ?? '') ? COMMANDS[argv[2] ?? ''] : undefined
  const commands = await Promise.all((called === undefined ? Object.values(COMMANDS) : [called]).map((load) => load()))
  for (const command of commands) program.addCommand(inheriting(command, program))

  try {
    await program.parseAsync(argv)
    process.exitCode ??= EXIT.done
  } catch (err) {
    if (err instanceof CommanderError) {
      // Commander has said it already; help and version end with 0.
      process.exitCode = err.exitCode === 0 ? EXIT.done : EXIT.usage
      return
    }
    const code = exitCodeOf(err)
    // A fault nobody foresaw is ours: there the stack helps.
    const text = err instanceof Error ? (code === undefined ? (err.stack ?? err.message) : err.message) : String(err)
    process.stderr.write(`${colours.red('error:')} ${text}\n`)
    process.exitCode = code ?? EXIT.unexpected
  }
}

/** A command, and those below it, that end as `parent` does: none ends the process by itself. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const one of command.commands) inheriting(one, command)
  return command
}
