// Turns what the sources say into Markdown.
import { allMembers } from './interfaces.mjs'

const cell = (text) => text.replaceAll('|', '\\|')
const code = (text) => `\`${cell(text)}\``

/** Names of the exported options interfaces, those that nothing but another one extends left out. */
export function optionInterfaces(interfaces) {
  const inits = [...interfaces.keys()].filter((name) => name.endsWith('Init'))
  const extended = new Set(inits.flatMap((name) => interfaces.get(name).parents.map((parent) => parent.name)))
  return inits.filter((name) => interfaces.get(name).isPublic && !extended.has(name))
}

/** The options tables of one package. */
export function optionTables(interfaces) {
  const names = optionInterfaces(interfaces)
  if (names.length === 0) return 'There is nothing to set.'
  return names
    .map((name) => `${names.length > 1 ? `\`${name}\`:\n\n` : ''}${optionTable(interfaces, name)}`)
    .join('\n\n')
}

function optionTable(interfaces, name) {
  const rows = allMembers(interfaces, name).map((member) => {
    const fallback = member.default ?? (member.optional ? 'none' : 'required')
    return `| ${code(member.name)} | ${code(member.type)} | ${cell(fallback)} | ${cell(member.doc)} |`
  })
  return ['| option | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

const LIMIT = /^(max|min|target)[A-Z]|Ms$|Bytes$|Burst$|PerSecond$|Size$|Limit$|Count$|Hops$|concurrency/i

/** Every option that bounds something, package by package. */
export function limitsPage(packages) {
  const sections = packages.flatMap(({ name, interfaces }) => {
    const rows = optionInterfaces(interfaces)
      .flatMap((init) => allMembers(interfaces, init))
      .filter((member) => LIMIT.test(member.name) && /\bnumber\b/.test(member.type))
      .map((member) => `| ${code(member.name)} | ${cell(member.default ?? 'required')} | ${cell(member.doc)} |`)
    if (rows.length === 0) return []
    return [
      `## ${name}\n\n| limit | default | what happens at it |\n| --- | --- | --- |\n${[...new Set(rows)].join('\n')}`,
    ]
  })
  return `# Limits\n\nEvery limit that can be set, by package. Generated from the options' documentation.\n\n${sections.join('\n\n')}\n`
}

/** Every event, package by package. */
export function eventsPage(packages) {
  const sections = packages.flatMap(({ name, interfaces }) => {
    const rows = [...interfaces]
      .filter(([title, { isPublic }]) => isPublic && title.endsWith('Events'))
      .flatMap(([title]) => allMembers(interfaces, title))
      .map((event) => `| ${code(event.name)} | ${code(event.type)} | ${cell(event.doc)} |`)
    if (rows.length === 0) return []
    return [`## ${name}\n\n| event | detail | when |\n| --- | --- | --- |\n${rows.join('\n')}`]
  })
  return `# Events\n\nEvery event, by package. Generated from the events' documentation.\n\n${sections.join('\n\n')}\n`
}

const LAYERS = ['contract', 'links', 'messages', 'chain', 'operations', 'app']

/** The packages by layer, for the root README. */
export function packageTable(packages) {
  const rows = packages
    .toSorted((a, b) => LAYERS.indexOf(a.layer) - LAYERS.indexOf(b.layer) || (a.name < b.name ? -1 : 1))
    .map(({ layer, name, folder, description }) => `| ${layer} | [\`${name}\`](${folder}) | ${cell(description)} |`)
  return ['| layer | package | its one job |', '| --- | --- | --- |', ...rows].join('\n')
}

/** Which package imports which, for ARCHITECTURE.md. */
export function dependencyGraph(packages) {
  const short = (name) => name.replace('@gridmesh/', '')
  const arrows = packages.flatMap(({ name, siblings }) =>
    siblings.map((sibling) => `  ${short(name)} --> ${short(sibling)}`),
  )
  return ['```mermaid', 'graph TD', ...arrows, '```'].join('\n')
}
