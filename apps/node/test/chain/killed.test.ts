import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import { genesisOf, grow, offer, opened, OUTPUTS, payment, reading, RULES, stateOf } from './chains.ts'

// For a longer run: KILLS=200 vitest run --project unit apps/node/test/chain/killed.test.ts
const KILLS = Number(process.env['KILLS'] ?? 6)
const CHILD = fileURLToPath(new URL('./import-child.ts', import.meta.url))
/** Time within which a child is killed after its first block, in ms. */
const LIFE_MS = 80

/** A block of a chain, and what the state after it is, recomputed from all its entries. */
interface Step {
  hash: string
  root: string
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gridmesh-killed-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Blocks from genesis on, in a file, each with a payment and energy that is minted; genesis is the first step. */
async function makeChain(): Promise<{ file: string; steps: Step[] }> {
  const chain = await opened()
  await chain.start()
  const steps: Step[] = [{ hash: chain.head.hash, root: (await stateOf(chain)).root }]
  const lines: string[] = []
  for (let i = 0; i < OUTPUTS; i++) {
    await offer(chain, payment(chain, i), reading(chain, i + 1))
    const { header, bytes } = await grow(chain)
    lines.push(Buffer.from(bytes).toString('hex'))
    steps.push({ hash: header.hash, root: (await stateOf(chain)).root })
  }
  const file = join(folder(), 'blocks')
  writeFileSync(file, lines.join('\n'))
  return { file, steps }
}

/** Runs a child and kills it some time after its first block; the last height that it has acknowledged. */
async function runAndKill(directory: string, file: string): Promise<number> {
  const child = spawn(process.execPath, [CHILD, directory, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    // Timed from the first block: how long a process takes to start says nothing.
    if (printed === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * LIFE_MS)
    printed += text
  })
  const { promise, resolve } = Promise.withResolvers<string | null>()
  child.on('close', (_code, signal) => resolve(signal))
  expect(await promise).toBe('SIGKILL')
  return Number(printed.split('\n').at(-2))
}

it(
  `opens at a whole block, with all that was acknowledged and the state from genesis, killed ${KILLS} times`,
  async () => {
    const { file, steps } = await makeChain()
    let directory = folder()
    for (let kill = 0; kill < KILLS; kill++) {
      const acknowledged = await runAndKill(directory, file)
      const chain = await EnergyChain.open({ directory, genesis: genesisOf(), consensus: RULES })
      const { height, hash } = chain.head
      const { root, isExact } = await stateOf(chain)
      await chain.stop()
      expect(height).toBeGreaterThanOrEqual(acknowledged)
      expect({ hash, root, isExact }).toEqual({ ...steps[height], isExact: true })
      if (height === OUTPUTS) directory = folder()
    }
  },
  30_000 + KILLS * 5_000,
)
