import { Command, Option } from 'commander'
import { gridEmergency } from '../../energy/schemas.ts'
import { publishedMessage } from '../../http/schemas.ts'
import { EXIT } from '../exit-codes.ts'
import { clientOf, type NodeOptions, withNodeOptions } from '../options.ts'
import { Output } from '../output.ts'

interface EmergencyOptions extends NodeOptions {
  zone: string[]
  severity: string
  action: string
  message: string
}

/** `gridmesh emergency`: an authority warns everybody at once. */
export function emergencyCommand(): Command {
  const { shape } = gridEmergency
  return withNodeOptions(new Command('emergency').description('send a grid emergency; only an authority may'))
    .requiredOption('--zone <zone...>', 'zones it concerns')
    .addOption(new Option('--severity <level>', 'how bad').choices(shape.severity.options).default('severe'))
    .addOption(
      new Option('--action <action>', 'what is to be done').choices(shape.requiredAction.options).default('monitor'),
    )
    .option('--message <text>', 'for people', '')
    .addHelpText('after', '\nExample:\n  gridmesh emergency --node egat --zone bangkok central --action reduce-load')
    .action(async (options: EmergencyOptions) => {
      const { zone: zones, severity, action: requiredAction, message } = options
      const body = { zones, severity, requiredAction, message }
      const sent = await clientOf(options).post('/emergencies', body, publishedMessage)
      const { reached, peers } = sent.delivery
      new Output(options).result(sent, () => `Emergency sent to ${reached} of ${Object.keys(peers).length} peers`)
      if (reached === 0) process.exitCode = EXIT.unheard
    })
}
