import { expect, it, vi } from 'vitest'
import { createSimulation } from '../src/index.ts'
import { ProcessGuard } from '../src/run/process-guard.ts'
import { RANDOMNESS } from './node-scripts/randomness.ts'
import { type NodeScript, observe } from './node-scripts/script.ts'
import { TIME } from './node-scripts/time.ts'
import { TIMERS } from './node-scripts/timers.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

/** What Node.js itself shows, in a process that goes on when nobody catches an error. */
async function inNode(script: NodeScript): Promise<string[]> {
  const guard = new ProcessGuard()
  guard.install(() => {})
  try {
    return await observe(script)
  } finally {
    guard.restore()
  }
}

async function inSimulation(script: NodeScript): Promise<string[]> {
  let seen: string[] = []
  await createSimulation({ seed: 1 }).run(async () => {
    seen = await observe(script)
  })
  return seen
}

it.each([...TIMERS, ...TIME, ...RANDOMNESS])('shows as Node.js does: $name', async (script) => {
  expect(await inSimulation(script)).toEqual(await inNode(script))
})
