// Writes every part of the documentation that the sources already say. With --check it writes nothing and fails when
// something would change.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from '../../scripts/packages.mjs'
import { figures } from './figures.mjs'
import { interfacesOf } from './interfaces.mjs'
import { dependencyGraph, eventsPage, limitsPage, optionTables, packageTable } from './tables.mjs'

const check = process.argv.includes('--check')
const stale = []

const packages = publishedPackages().map(({ folder, manifest }) => ({
  folder,
  name: manifest.name,
  description: manifest.description,
  layer: manifest.gridmesh?.layer ?? 'app',
  siblings: Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@gridmesh/')),
  interfaces: interfacesOf(join(root, folder)),
}))

for (const { folder, interfaces } of packages) between(`${folder}/README.md`, 'options', optionTables(interfaces))
between('README.md', 'packages', packageTable(packages))
between('ARCHITECTURE.md', 'graph', dependencyGraph(packages))
between('docs/performance.md', 'figures', figures(root))
whole('docs/limits.md', limitsPage(packages))
whole('docs/events.md', eventsPage(packages))
whole('docs/configuration.md', `# Configuration\n\n${gridmesh('config', 'reference')}`)
whole('docs/node-config.schema.json', gridmesh('config', 'schema'))
whole('docs/cli.md', cliPage())

if (stale.length > 0) {
  console.error(`Out of date: ${stale.join(', ')}. Run: npm run docs`)
  process.exit(1)
}

/** Replaces what stands between the marker lines of `name`. */
function between(path, name, content) {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const text = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from === -1 || to < from) {
    console.error(`${path} lacks the lines ${start} and ${end}`)
    process.exit(1)
  }
  whole(path, `${text.slice(0, from)}${start}\n\n${content}\n\n${text.slice(to)}`)
}

function whole(path, content) {
  const formatted = format(path, content)
  const before = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
  if (before === formatted) return
  if (check) stale.push(path)
  else writeFileSync(join(root, path), formatted)
}

/** As the formatter would leave it, so that formatting and generating never disagree. */
function format(path, content) {
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules', '.bin', 'oxfmt'),
    [`--stdin-filepath=${path}`],
    {
      cwd: root,
      encoding: 'utf8',
      input: content,
    },
  )
  if (status !== 0) fail(stderr)
  return stdout
}

function gridmesh(...args) {
  const { status, stdout, stderr } = spawnSync('node', ['apps/node/dist/main.js', ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) fail(`gridmesh ${args.join(' ')} failed: ${stderr}`)
  return stdout
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

function cliPage() {
  const commands = [
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
    'sim',
    'sim run',
    'sim list',
    'sim report',
  ]
  const help = (title, ...args) => `## ${title}\n\n\`\`\`text\n${gridmesh(...args, '--help').trimEnd()}\n\`\`\``
  const pages = commands.map((command) => help(`gridmesh ${command}`, ...command.split(' ')))
  return ['# The gridmesh command', help('gridmesh'), ...pages].join('\n\n')
}
