import type { Startable } from '@libp2p/interface'
import { describe, expect, it, vi } from 'vitest'
import { createSimulation, type SimNode, type SimulationContext } from '../src/index.ts'
import { at, quiet } from './support.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

/** What became of a promise, or `never` when it is open after a minute of virtual time. */
async function outcome(promise: Promise<string | object | void>, { clock }: SimulationContext): Promise<string> {
  const told = promise.then(
    (value) => (typeof value === 'string' ? value : 'done'),
    (err: Error) => err.name,
  )
  return Promise.race([told, clock.sleep(60_000).then(() => 'never')])
}

/** A service that takes a second to start and a second to stop. */
class Slow implements Startable {
  async start(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

async function play(fn: (node: SimNode, other: SimNode, context: SimulationContext) => Promise<void>): Promise<void> {
  const init = quiet({ services: () => ({ slow: () => new Slow() }) })
  const { violations } = await createSimulation(init).run(async (context) =>
    fn(at(context.nodes, 0), at(context.nodes, 1), context),
  )
  expect(violations).toEqual([])
}

describe('a node that has crashed', () => {
  it('refuses to run, to dial and to be stopped with NodeDownError', async () => {
    const seen: string[] = []
    await play(async (node, other, context) => {
      context.network.crash(node)
      seen.push(
        await outcome(
          node.run(() => 'ran'),
          context,
        ),
      )
      seen.push(await outcome(node.dial(other), context))
      seen.push(await outcome(context.network.stop(node), context))
      seen.push(node.status)
    })
    expect(seen).toEqual(['NodeDownError', 'NodeDownError', 'NodeDownError', 'crashed'])
  })

  it('ends what waits for it, also what has not begun since it was busy', async () => {
    const seen: string[] = []
    await play(async (node, _, context) => {
      context.network.slow(node, 1_000)
      const waiting = ['first', 'second'].map((name) =>
        outcome(
          node.run(() => name),
          context,
        ),
      )
      await context.clock.sleep(10)
      context.network.crash(node)
      seen.push(...(await Promise.all(waiting)))
    })
    expect(seen).toEqual(['first', 'NodeDownError'])
  })

  it('is crashed, and not stopped, when it crashes while it stops', async () => {
    const seen: string[] = []
    await play(async (node, _, context) => {
      const stopping = outcome(context.network.stop(node), context)
      await context.clock.sleep(500)
      context.network.crash(node)
      seen.push(await stopping, node.status)
    })
    expect(seen).toEqual(['NodeDownError', 'crashed'])
  })

  it('comes back once for all who restart it, calm included', async () => {
    const seen: string[] = []
    await play(async (node, _, context) => {
      context.network.crash(node)
      const first = context.network.restart(node)
      await context.clock.sleep(500)
      const second = context.network.restart(node)
      await context.network.calm()
      seen.push(node.status)
      const { services } = node
      seen.push(await outcome(first, context), await outcome(second, context), String(node.services === services))
    })
    expect(seen).toEqual(['up', 'done', 'done', 'true'])
  })

  it('comes back for the scenario, too, when the node that restarted it crashes meanwhile', async () => {
    const seen: string[] = []
    await play(async (node, other, context) => {
      const { network, clock } = context
      network.crash(node)
      const first = outcome(
        other.run(() => network.restart(node)),
        context,
      )
      await clock.sleep(500)
      const second = outcome(network.restart(node), context)
      network.crash(other)
      seen.push(await first, await second, node.status)
    })
    expect(seen).toEqual(['NodeDownError', 'done', 'up'])
  })
})

describe('a node that was stopped', () => {
  it('ends what still waits for it when it is restarted', async () => {
    const seen: string[] = []
    await play(async (node, _, context) => {
      const waiting = outcome(
        node.run(() => new Promise(() => {})),
        context,
      )
      await context.network.stop(node)
      await context.network.restart(node)
      seen.push(
        await waiting,
        await outcome(
          node.run(() => 'ran'),
          context,
        ),
      )
    })
    expect(seen).toEqual(['NodeDownError', 'ran'])
  })
})

it('starts again after a start that failed, as another life', async () => {
  const lives: number[] = []
  const init = quiet({
    services: ({ index, restarts }) => {
      if (index === 1) lives.push(restarts)
      if (index === 1 && restarts === 1) throw new RangeError('of the second life')
      return {}
    },
  })
  await createSimulation(init).run(async ({ nodes, network }) => {
    const node = at(nodes, 1)
    network.crash(node)
    await expect(network.restart(node)).rejects.toThrow('of the second life')
    await network.restart(node)
    expect(node.status).toBe('up')
  })
  expect(lives).toEqual([0, 1, 2])
})

it('counts the timers that a node has to clear, until they are cleared or have fired, and those of no other', async () => {
  await play(async (node, other, { clock }) => {
    const own = node.timers
    const seen: number[] = []
    const clear = await node.run(() => {
      const timers = [setTimeout(() => {}, 500), setTimeout(() => {}, 2_000), setInterval(() => {}, 100).unref()]
      // Nobody can clear it.
      AbortSignal.timeout(60_000)
      return () => timers.forEach((timer) => clearTimeout(timer))
    })
    seen.push(node.timers - own, other.timers - own)
    await clock.sleep(1_000)
    seen.push(node.timers - own)
    clear()
    expect([...seen, node.timers - own]).toEqual([3, 0, 2, 0])
  })
})
