// Writes every part of the documentation that the sources already say. With --check it writes nothing and fails when
// something would change.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'oxfmt'
import { publishedPackages, root } from '../../scripts/packages.mjs'
import { figures, highlights } from './figures.mjs'
import { interfacesOf } from './interfaces.mjs'
import { dependencyGraph, eventsPage, limitsPage, optionTables, packageTable } from './tables.mjs'

const COMMANDS = [
  'start',
  'devnet',
  'keygen',
  'config',
  'config check',
  'config print',
  'status',
  'peers',
  'peers list',
  'peers explain',
  'peers ban',
  'peers unban',
  'submit',
  'emergency',
  'wallet',
  'wallet new',
  'wallet address',
  'wallet balance',
  'tx',
  'tx transfer',
  'tx reading',
  'tx show',
  'tx send',
  'chain',
  'chain info',
  'chain block',
  'sync',
  'sync status',
  'export',
  'import',
  'sim',
  'sim run',
  'sim list',
  'sim report',
]

const check = process.argv.includes('--check')
const { $schema: _, ignorePatterns: __, ...style } = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8'))
const stale = []

const packages = publishedPackages().map(({ folder, manifest }) => ({
  folder,
  name: manifest.name,
  description: manifest.description,
  layer: manifest.gridmesh?.layer ?? 'app',
  siblings: Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@gridmesh/')),
  interfaces: interfacesOf(join(root, folder)),
}))

const helped = ['', ...COMMANDS].map((command) => `gridmesh ${command}`.trimEnd())
const [reference, schema, ...help] = gridmesh(
  ['config', 'reference'],
  ['config', 'schema'],
  ...helped.map((command) => [...command.split(' ').slice(1), '--help']),
)
const cli = helped.map((command, index) => `## ${command}\n\n\`\`\`text\n${help[index].trimEnd()}\n\`\`\``)

for (const { folder, interfaces } of packages) await between(`${folder}/README.md`, 'options', optionTables(interfaces))
await between('README.md', 'packages', packageTable(packages))
await between('README.md', 'highlights', highlights(root))
await between('ARCHITECTURE.md', 'graph', dependencyGraph(packages))
await between('docs/performance.md', 'figures', figures(root))
await whole('docs/limits.md', limitsPage(packages))
await whole('docs/events.md', eventsPage(packages))
await whole('docs/configuration.md', `# Configuration\n\n${reference}`)
await whole('docs/node-config.schema.json', schema)
await whole('docs/cli.md', ['# The gridmesh command', ...cli].join('\n\n'))

if (stale.length > 0) {
  console.error(`Out of date: ${stale.join(', ')}. Run: npm run docs`)
  process.exit(1)
}

/** Replaces what stands between the marker lines of `name`. */
async function between(path, name, content) {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const text = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from === -1 || to < from) {
    console.error(`${path} lacks the lines ${start} and ${end}`)
    process.exit(1)
  }
  await whole(path, `${text.slice(0, from)}${start}\n\n${content}\n\n${text.slice(to)}`)
}

async function whole(path, content) {
  const after = await formatted(path, content)
  const before = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
  if (before === after) return
  if (check) stale.push(path)
  else writeFileSync(join(root, path), after)
}

/** As the formatter would leave it, so that formatting and generating never disagree. */
async function formatted(path, content) {
  const { code, errors } = await format(path, content, style)
  if (errors.length > 0) fail(`${path}: ${errors.map(({ message }) => message).join('; ')}`)
  return code
}

/** What the command prints for each list of arguments. */
function gridmesh(...lists) {
  const says = join(import.meta.dirname, 'gridmesh-says.mjs')
  const { status, stdout, stderr } = spawnSync('node', [says, JSON.stringify(lists)], { cwd: root, encoding: 'utf8' })
  if (status !== 0) fail(stderr)
  return JSON.parse(stdout)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
