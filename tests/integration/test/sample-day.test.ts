import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts, runGridmesh } from '@gridmesh-internal/support'
import { expect, it, onTestFinished } from 'vitest'

const SAMPLE_DAY = fileURLToPath(new URL('../../../examples/data/sample-day.csv', import.meta.url))
const NODES = 3

it('settles a day on the chain of a devnet: each supply exact, and one state on all nodes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gridmesh-day-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const [head = '', ...lines] = readFileSync(SAMPLE_DAY, 'utf8').trim().split('\n')
  // Every fifth meter, before noon and after, when some have more than they use.
  const rows = lines.filter((line) => /^4[789],[a-z]+-[a-z]+-\d\d[05],/.test(line))
  const day = join(directory, 'day.csv')
  writeFileSync(day, [head, ...rows.map((row) => row.replace(/^4[789]/, (at) => String(Number(at) - 47)))].join('\n'))
  const base = await freePorts(NODES * 2)
  const options = {
    '--nodes': NODES,
    '--data': directory,
    '--base-http': base,
    '--base-p2p': base + NODES,
    '--replay': day,
    '--speed': 1_000_000,
  }
  const args = Object.entries(options).flatMap(([name, value]) => [name, String(value)])
  const { code, stdout, stderr } = await runGridmesh(['devnet', ...args, '--exit-after-replay', '--json'])
  const summary = JSON.parse(stdout.slice(stdout.lastIndexOf('\n{')))
  expect({ code, stderr: stderr.includes('error') }).toEqual({ code: 0, stderr: false })
  expect(summary).toMatchObject({ readings: 120, refused: 0, audit: { agree: true, exact: true } })
  // A reading of each meter and interval, and more for what was bought.
  expect(summary.transactions).toBeGreaterThan(120)
  expect(summary.audit.stateRoot).toMatch(/^[0-9a-f]{64}$/)
})
