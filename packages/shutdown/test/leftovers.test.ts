import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GracefulShutdown, LeftoversError, type Leftover, type LeftoversInit } from '../src/index.ts'

/** Runs nothing but the check, after `open` opened something. */
async function check(init: LeftoversInit, open?: () => void): Promise<readonly Leftover[]> {
  const ending = new GracefulShutdown()
  ending.checkLeftovers(init)
  open?.()
  const running = ending.run()
  if (vi.isFakeTimers()) await vi.runAllTimersAsync()
  const [step] = (await running).steps
  expect(step).toMatchObject({ phase: 'verify', name: 'leftovers' })
  return step?.error instanceof LeftoversError ? step.error.leftovers : []
}

describe('with timers that are not real', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('what was there before is no leftover, what came since is, by type and number', async () => {
    let resources = ['TCPServerWrap', 'Timeout']
    const left = await check({ resources: () => resources }, () => {
      resources = ['TCPServerWrap', 'TCPSocketWrap', 'Timeout', 'TCPSocketWrap', 'Timeout', 'Timeout', 'Timeout']
    })
    // One of the three new timers is the deadline of the check itself.
    expect(left).toEqual([
      { name: 'TCPSocketWrap', count: 2 },
      { name: 'Timeout', count: 2 },
    ])
  })

  it('the deadlines of all steps beside it are not counted', async () => {
    const ending = new GracefulShutdown()
    const { promise, resolve } = Promise.withResolvers<void>()
    ending.register('verify', 'beside', async () => promise)
    ending.checkLeftovers({ resources: () => ['Timeout', 'Timeout'].slice(0, vi.getTimerCount()) })
    const running = ending.run()
    await vi.advanceTimersByTimeAsync(100)
    resolve()
    expect(await running).toMatchObject({ clean: true })
  })

  it('what the user counts has to be gone altogether', async () => {
    const left = await check({
      resources: () => [],
      checks: [
        { name: 'streams', count: () => 3 },
        { name: 'listeners', count: () => 0 },
      ],
    })
    expect(left).toEqual([{ name: 'streams', count: 3 }])
  })

  it('what goes within settleMs is no leftover', async () => {
    const goneAtMs = performance.now() + 900
    const streams = { name: 'streams', count: () => (performance.now() < goneAtMs ? 1 : 0) }
    expect(await check({ resources: () => [], checks: [streams] })).toEqual([])
  })

  it('what goes only after settleMs is', async () => {
    const goneAtMs = performance.now() + 600
    const streams = { name: 'streams', count: () => (performance.now() < goneAtMs ? 1 : 0) }
    const left = await check({ resources: () => [], checks: [streams], settleMs: 500 })
    expect(left).toEqual([{ name: 'streams', count: 1 }])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('standard output is not counted, unless asked for', async () => {
    let resources: string[] = []
    const write = (): void => {
      resources = ['PipeWrap']
    }
    expect(await check({ resources: () => resources }, write)).toEqual([])
    resources = []
    expect(await check({ resources: () => resources, ignore: [] }, write)).toEqual([{ name: 'PipeWrap', count: 1 }])
  })

  it('are named in the message and in the report even when the time is up', async () => {
    const ending = new GracefulShutdown({ graceMs: 100, flushReserveMs: 0 })
    ending.register('flush', 'stuck', async () => new Promise<void>(() => undefined))
    ending.checkLeftovers({ resources: () => [], checks: [{ name: 'streams', count: () => 2 }] })
    const running = ending.run()
    await vi.runAllTimersAsync()
    const { steps, clean } = await running
    expect(clean).toBe(false)
    expect(steps[1]).toMatchObject({
      outcome: 'abandoned',
      error: { code: 'leftovers', message: 'Left at the end: 2 streams' },
    })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('cannot be looked for by a count that throws: the step fails with its error', async () => {
    const ending = new GracefulShutdown()
    const broken = new RangeError('no count')
    const count = (): number => {
      throw broken
    }
    ending.checkLeftovers({ resources: () => [], checks: [{ name: 'streams', count }] })
    expect((await ending.run()).steps).toMatchObject([{ outcome: 'failed', error: broken }])
  })

  it('are not looked for once that was taken back', async () => {
    const ending = new GracefulShutdown()
    ending.checkLeftovers({ resources: () => [], checks: [{ name: 'streams', count: () => 1 }] })()
    expect(await ending.run()).toMatchObject({ steps: [], clean: true })
  })

  it('have a time to go that is a time', () => {
    expect(() => new GracefulShutdown().checkLeftovers({ settleMs: 0 })).toThrow('settleMs is 0')
  })
})

/** Servers that listen in this process. */
function servers(): string[] {
  return process.getActiveResourcesInfo().filter((type) => type === 'TCPServerWrap')
}

describe('in this process', () => {
  it('a server that listens is a leftover, until it is closed', async () => {
    const open = new GracefulShutdown()
    const closed = new GracefulShutdown()
    open.checkLeftovers({ resources: servers, settleMs: 50 })
    closed.checkLeftovers({ resources: servers })
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    expect((await open.run()).steps[0]?.error).toMatchObject({ leftovers: [{ name: 'TCPServerWrap', count: 1 }] })

    closed.register('close', 'server', () => {
      server.close()
    })
    expect(await closed.run()).toMatchObject({ clean: true })
  })
})
