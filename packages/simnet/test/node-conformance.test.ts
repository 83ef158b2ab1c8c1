import { expect, it, vi } from 'vitest'
import { createSimulation } from '../src/index.ts'
import { ProcessGuard } from '../src/run/process-guard.ts'
import { NODE_SCRIPTS, observe, type NodeScript } from './node-scripts.ts'

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

it.each(NODE_SCRIPTS)('shows as Node.js does: $name', async (script) => {
  expect(await inSimulation(script)).toEqual(await inNode(script))
})
