import { ConfigError, type ConfigProblem, toJsonSchema, toReference } from '@gridmesh/config'
import { Command } from 'commander'
import { loadNodeConfig, profileNames } from '../../config/load.ts'
import { nodeConfigSchema } from '../../config/schema.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { collectSetting } from '../options.ts'
import { Output, table } from '../output.ts'

interface ConfigOptions {
  config?: string
  profile?: string
  set: Record<string, string>
  json?: boolean
}

const withSources = (command: Command): Command =>
  command
    .option('--config <file>', 'YAML file')
    .option('--profile <name>', `ready settings below the file: ${profileNames().join(', ')}`)
    .option('--set <path=value>', 'one setting, above all others; may be repeated', collectSetting, {})
    .option('--json', 'print JSON for machines')

/** `gridmesh config check|print|schema|reference`. */
export function configCommand(): Command {
  const check = withSources(new Command('check').description('say whether the settings are right'))
    .addHelpText('after', '\nExample:\n  gridmesh config check --config node.yaml')
    .action((options: ConfigOptions) => {
      const output = new Output(options)
      try {
        load(options)
      } catch (err) {
        if (output.json && exitCodeOf(err) === EXIT.badFile)
          output.result({ ok: false, faults: faultsOf(err) }, () => '')
        throw err
      }
      output.result({ ok: true }, () => `${options.config ?? 'The settings'}: all right`)
    })

  const print = withSources(new Command('print').description('show each setting with its origin; secrets are hidden'))
    .addHelpText('after', '\nExample:\n  GRIDMESH_HTTP_PORT=9545 gridmesh config print --profile gridtokenx')
    .action((options: ConfigOptions) => {
      const entries = load(options).entries()
      new Output(options).result(entries, () =>
        table(
          ['setting', 'value', 'origin'],
          entries.map(({ path, value, origin }) => [
            path,
            value === undefined ? '-' : JSON.stringify(value),
            origin.where === undefined ? origin.source : `${origin.source} ${origin.where}`,
          ]),
        ),
      )
    })

  const schema = new Command('schema')
    .description('print the JSON schema of the YAML file, for editors')
    .action(() => new Output({ json: true }).result(toJsonSchema(nodeConfigSchema), () => ''))

  const reference = new Command('reference')
    .description('print every setting with its default and environment variable, as Markdown')
    .action(() => new Output({}).result(undefined, () => toReference(nodeConfigSchema)))

  return new Command('config')
    .description('check, show and explain settings')
    .addCommand(check)
    .addCommand(print)
    .addCommand(schema)
    .addCommand(reference)
}

function load({ config: file, profile, set: flags }: ConfigOptions) {
  return loadNodeConfig({ file, profile, flags }).source
}

/** What is wrong, setting by setting where it is in the settings themselves. */
function faultsOf(err: unknown): readonly Partial<ConfigProblem>[] {
  if (err instanceof ConfigError) return err.problems
  return [{ message: err instanceof Error ? err.message : String(err) }]
}
