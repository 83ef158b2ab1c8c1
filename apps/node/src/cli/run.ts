import { Command, CommanderError } from 'commander'
import pc from 'picocolors'
import { VERSION } from '../version.ts'
import { configCommand } from './commands/config.ts'
import { devnetCommand } from './commands/devnet.ts'
import { emergencyCommand } from './commands/emergency.ts'
import { keygenCommand } from './commands/keygen.ts'
import { peersCommand } from './commands/peers.ts'
import { simCommand } from './commands/sim.ts'
import { startCommand } from './commands/start.ts'
import { statusCommand } from './commands/status.ts'
import { submitCommand } from './commands/submit.ts'
import { EXIT, EXIT_HELP, exitCodeOf } from './exit-codes.ts'

const EXAMPLES = `Examples:
  gridmesh devnet                                a network of five nodes on this machine
  gridmesh devnet --replay examples/data/sample-day.csv
  gridmesh start --config node.yaml              one node
  gridmesh config check --config node.yaml       is the file right?
  gridmesh submit order.json --url http://127.0.0.1:8546
  gridmesh emergency --zone bangkok --severity severe --action reduce-load
  gridmesh peers --json
  gridmesh sim --scenario churn --seeds 1..100    does it hold when nodes come and go?`

/** Runs the command line and sets the exit code. Never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('gridmesh')
    .description('Peer-to-peer networking for blockchains, and an energy-trading network built on it')
    .version(VERSION, '--version')
    .addHelpText('after', `\n${EXAMPLES}\n\n${EXIT_HELP}`)
    .showHelpAfterError('Run with --help to see what is possible.')
    .exitOverride()
  const commands = [startCommand(), devnetCommand(), keygenCommand(), configCommand(), statusCommand(), peersCommand()]
  for (const command of [...commands, submitCommand(), emergencyCommand(), simCommand()]) {
    program.addCommand(inheriting(command, program))
  }

  try {
    await program.parseAsync(argv)
  } catch (err) {
    if (err instanceof CommanderError) {
      // Commander has said it already; help and version end with 0.
      process.exitCode = err.exitCode === 0 ? EXIT.done : EXIT.usage
      return
    }
    const code = exitCodeOf(err)
    // A fault nobody foresaw is ours: there the stack helps.
    const text = err instanceof Error ? (code === undefined ? (err.stack ?? err.message) : err.message) : String(err)
    process.stderr.write(`${pc.red('error:')} ${text}\n`)
    process.exitCode = code ?? EXIT.unexpected
  }
}

/** A command, and those below it, that end as `parent` does: none ends the process by itself. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const one of command.commands) inheriting(one, command)
  return command
}
