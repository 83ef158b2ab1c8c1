// Turns the recorded runs of the benchmarks into the figures table of docs/performance.md.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const cell = (text) => String(text).replaceAll('|', '\\|')

/** A section for each recorded suite, in the order of their names. */
export function figures(root) {
  const folder = join(root, 'bench/records')
  const records = globSync('*.json', { cwd: folder })
    .toSorted()
    // A record of a suite that is gone is no figure of anything.
    .filter((file) => existsSync(join(root, 'bench/suites', `${basename(file, '.json')}.ts`)))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  if (records.length === 0) return 'No run is recorded.'
  return records.map(section).join('\n\n')
}

function section({ suite, about, date, commit, machine, lines }) {
  const { processor, cores, memoryGiB, node } = machine
  const where = `${date}, commit ${commit}, ${processor}, ${cores} cores, ${memoryGiB} GiB, Node.js ${node}`
  const head = '| case | metric | ours | theirs | ratio | goal | met |\n| --- | --- | --- | --- | --- | --- | --- |'
  return `### ${suite}\n\n${about}. ${where}.\n\n${head}\n${lines.map(row).join('\n')}`
}

function row({ case: name, metric, unit, ours, theirs, ratio, goal, met }) {
  const withUnit = (value) => (value === undefined ? '' : `${short(value)} ${unit}`)
  const verdict = met === undefined ? '' : met ? 'yes' : '**NO**'
  const cells = [name, metric, withUnit(ours), withUnit(theirs), ratio === undefined ? '' : short(ratio), goal ?? '']
  return `| ${[...cells, verdict].map(cell).join(' | ')} |`
}

/** As the benchmark prints it. A value that is none came as `null` through JSON. */
function short(value) {
  if (value === null) return 'none'
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
