// Turns the recorded runs of the benchmarks into the figures of docs/performance.md, and some of them into the README's.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const cell = (text) => String(text).replaceAll('|', '\\|')

/** What a user would ask first, each from one line or more of one suite; beside it, by name, what one would use instead. */
const HIGHLIGHTS = [
  {
    what: 'Requests of 128 B to one peer, 64 in flight, encrypted',
    suite: 'unicast',
    metric: 'rate',
    ours: { unicast: '128 B, 64 in flight, unicast' },
    others: {
      'hyperdht + protomux': '128 B, 64 in flight, hyperdht + protomux',
      'a libp2p stream for each': '128 B, 64 in flight, a libp2p stream per request',
      '`@lodestar/reqresp`': '128 B, 64 in flight, @lodestar/reqresp',
    },
  },
  {
    what: '1 KiB to 99 others over a mesh of degree 8, signed by its author, until 99 % of them have it',
    suite: 'mesh',
    metric: 'p99 of delivery',
    ours: {
      'by `tree`': '1 KiB, tree, verified by each (theirs: @libp2p/gossipsub)',
      'by `gossip`': '1 KiB, gossip, verified by each (theirs: @libp2p/gossipsub)',
    },
    others: { '`@libp2p/gossipsub`': '1 KiB, @libp2p/gossipsub' },
  },
  {
    what: 'Messages of 250 B that 50 nodes, all of them authors, carry to all within a second; ours gather them in signed batches',
    suite: 'sustained',
    metric: 'sustained, every message everywhere, p99 < 1 s',
    ours: {
      'by `tree`': 'batched, by tree, verified by each, 50 publish',
      'by `gossip`': 'batched gossip, verified by each, 50 publish',
    },
    others: { '`@libp2p/gossipsub`': '@libp2p/gossipsub' },
  },
  {
    what: 'Memory of an idle node with 50 peers',
    suite: 'idle',
    metric: 'resident memory',
    ours: { 'all services': '50 peers (theirs: bare)' },
    others: { 'libp2p with gossipsub, identify and ping': '50 peers, bare' },
  },
]

/** A section for each recorded suite, in the order of their names. */
export function figures(root) {
  const records = recorded(root)
  if (records.length === 0) return 'No run is recorded.'
  return records.map(section).join('\n\n')
}

/** The figures that a user would ask for first. @throws {RangeError} when a recorded run lacks one of them */
export function highlights(root) {
  const records = new Map(recorded(root).map((record) => [record.suite, record]))
  const rows = HIGHLIGHTS.map(({ what, suite, metric, ours, others }) => {
    const find = (name) => {
      const line = records.get(suite)?.lines.find((each) => each.metric === metric && each.case === name)
      if (line === undefined) throw new RangeError(`the record of "${suite}" has no ${metric} of "${name}"`)
      return `${short(line.ours)} ${line.unit}`
    }
    const told = (names) => Object.entries(names).map(([name, each]) => `${name}: ${find(each)}`)
    return `| ${what} | ${told(ours).join('<br>')} | ${told(others).join('<br>')} |`
  })
  return ['| | Gridmesh | instead |', '| --- | --- | --- |', ...rows].join('\n')
}

function recorded(root) {
  const folder = join(root, 'bench/records')
  return (
    globSync('*.json', { cwd: folder })
      .toSorted()
      // A record of a suite that is gone is no figure of anything.
      .filter((file) => existsSync(join(root, 'bench/suites', `${basename(file, '.json')}.ts`)))
      .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  )
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
