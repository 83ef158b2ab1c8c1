import { SHUTDOWN_PHASES, type ShutdownPhase, type ShutdownStepResult } from '@gridmesh/interfaces'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GracefulShutdown, type ShutdownInit, type ShutdownPhaseDetail } from '../src/index.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function after(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** Never resolves, and does not listen to its signal either. */
async function hang(): Promise<void> {
  await new Promise<void>(() => undefined)
}

/** Believes anything, as a caller without types would. */
function isPhase(name: string): name is ShutdownPhase {
  return name !== ''
}

function outcomes(steps: readonly ShutdownStepResult[]): string[] {
  return steps.map(({ phase, name, outcome }) => `${phase} ${name} ${outcome}`)
}

describe('the phases', () => {
  it('run in order, whatever the order of registration', async () => {
    const ending = new GracefulShutdown()
    const log: string[] = []
    for (const phase of SHUTDOWN_PHASES.toReversed()) {
      ending.register(phase, 'step', async () => {
        log.push(`${phase} begins`)
        await after(10)
        log.push(`${phase} ends`)
      })
    }
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(log).toEqual(SHUTDOWN_PHASES.flatMap((phase) => [`${phase} begins`, `${phase} ends`]))
    expect(await report).toMatchObject({ clean: true, tookMs: 60 })
  })

  it('run their steps side by side', async () => {
    const ending = new GracefulShutdown()
    ending.register('drain', 'one', async () => after(100))
    ending.register('drain', 'two', async () => after(100))
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(await report).toMatchObject({ clean: true, tookMs: 100 })
  })

  it('are told of as they begin, and each step as it ends', async () => {
    const ending = new GracefulShutdown()
    const phases: ShutdownPhaseDetail[] = []
    const steps: ShutdownStepResult[] = []
    ending.addEventListener('shutdown:phase', ({ detail }) => phases.push(detail))
    ending.addEventListener('shutdown:step', ({ detail }) => steps.push(detail))
    ending.register('drain', 'slow', async () => after(20))
    ending.register('drain', 'fast', async () => after(10))
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(phases.map(({ phase }) => phase)).toEqual(SHUTDOWN_PHASES)
    expect(phases.filter(({ steps: count }) => count > 0)).toEqual([{ phase: 'drain', steps: 2 }])
    expect(outcomes(steps)).toEqual(['drain fast done', 'drain slow done'])
    expect(outcomes((await report).steps)).toEqual(['drain slow done', 'drain fast done'])
  })

  it('may all be empty', async () => {
    await expect(new GracefulShutdown().run()).resolves.toEqual({ steps: [], clean: true, tookMs: 0 })
  })
})

describe('a step', () => {
  it('is abandoned at its deadline, its signal aborts then, and the rest goes on', async () => {
    const ending = new GracefulShutdown()
    let signal: AbortSignal | undefined
    ending.register(
      'drain',
      'stuck',
      async (given) => {
        signal = given
        await hang()
      },
      { deadlineMs: 300 },
    )
    ending.register('close', 'next', () => undefined)
    const report = ending.run()
    await vi.advanceTimersByTimeAsync(299)
    expect(signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal?.aborted).toBe(true)
    await vi.runAllTimersAsync()
    const { steps, clean } = await report
    expect(outcomes(steps)).toEqual(['drain stuck abandoned', 'close next done'])
    expect(steps[0]?.error).toBe(signal?.reason)
    expect(steps[0]?.error).toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('300 ms') })
    expect(clean).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that names no deadline has stepDeadlineMs', async () => {
    const ending = new GracefulShutdown({ stepDeadlineMs: 70 })
    ending.register('drain', 'stuck', hang)
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect((await report).steps[0]?.tookMs).toBeCloseTo(70, -1)
  })

  it('that ends when its signal aborts is abandoned too, and may say why', async () => {
    const ending = new GracefulShutdown()
    ending.register('drain', 'heeds', async (signal) => {
      await new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new RangeError('3 messages left')))
      })
    })
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect((await report).steps).toMatchObject([{ outcome: 'abandoned', error: { message: '3 messages left' } }])
  })

  it('that fails after it was abandoned troubles nobody', async () => {
    const ending = new GracefulShutdown()
    const unhandled = vi.fn<() => void>()
    process.on('unhandledRejection', unhandled)
    ending.register('drain', 'late', async () => {
      await after(8_000)
      throw new RangeError('too late')
    })
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(outcomes((await report).steps)).toEqual(['drain late abandoned'])
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('that fails is recorded with its error, and the rest of its phase and the next go on', async () => {
    const ending = new GracefulShutdown()
    const thrown = new RangeError('cannot drain')
    ending.register('drain', 'throws', () => {
      throw thrown
    })
    ending.register('drain', 'rejects', async () => Promise.reject(thrown))
    ending.register('drain', 'beside', async () => after(5))
    ending.register('flush', 'next', () => undefined)
    const report = ending.run()
    await vi.runAllTimersAsync()
    const { steps, clean } = await report
    expect(outcomes(steps)).toEqual([
      'drain throws failed',
      'drain rejects failed',
      'drain beside done',
      'flush next done',
    ])
    expect(steps.map(({ error }) => error)).toEqual([thrown, thrown, undefined, undefined])
    expect(clean).toBe(false)
  })

  it('that throws no error is recorded with one', async () => {
    const ending = new GracefulShutdown()
    ending.register('drain', 'odd', async () => Promise.reject('a string'))
    const { steps } = await ending.run()
    expect(steps[0]?.error).toMatchObject({ name: 'StepThrewError', code: 'step-threw', cause: 'a string' })
  })

  it('that throws what has no text is recorded too, and the later phases run', async () => {
    const ending = new GracefulShutdown()
    const thrown: unknown = Object.create(null)
    ending.register('drain', 'odd', async () => Promise.reject(thrown))
    ending.register('flush', 'write', () => {})
    const { steps } = await ending.run()
    expect(steps).toMatchObject([
      { name: 'odd', outcome: 'failed', error: { name: 'StepThrewError', cause: thrown } },
      { name: 'write', outcome: 'done' },
    ])
  })

  it('is not run once it was removed', async () => {
    const ending = new GracefulShutdown()
    const step = vi.fn<() => void>()
    const remove = ending.register('drain', 'removed', step)
    remove()
    remove()
    await expect(ending.run()).resolves.toMatchObject({ steps: [] })
    expect(step).not.toHaveBeenCalled()
  })

  it('may be added and removed while earlier phases run, and not for a phase that has begun', async () => {
    const ending = new GracefulShutdown()
    const removed = vi.fn<() => void>()
    const remove = ending.register('flush', 'removed', removed)
    ending.register('drain', 'adds', () => {
      remove()
      ending.register('close', 'added', () => undefined)
      ending.register('drain', 'late', () => undefined)
    })
    const { steps } = await ending.run()
    expect(outcomes(steps)).toEqual(['drain adds failed', 'close added done'])
    expect(steps[0]?.error).toMatchObject({ name: 'ShutdownStartedError', code: 'shutdown-started', phase: 'drain' })
    expect(removed).not.toHaveBeenCalled()
    expect(() => ending.register('verify', 'late', () => undefined)).toThrow('after the phase verify had begun')
  })
})

describe('the grace period', () => {
  it('bounds the whole, and keeps flushReserveMs for flush and verify', async () => {
    const ending = new GracefulShutdown({ graceMs: 1_000, flushReserveMs: 400, stepDeadlineMs: 10_000 })
    const called: string[] = []
    const signals = new Map<string, AbortSignal>()
    for (const phase of SHUTDOWN_PHASES) {
      ending.register(phase, 'stuck', async (signal) => {
        called.push(`${phase} at ${Math.round(performance.now() / 100) * 100}`)
        signals.set(phase, signal)
        await hang()
      })
    }
    const begin = performance.now()
    const report = ending.run()
    await vi.runAllTimersAsync()
    const { steps, tookMs } = await report
    expect(begin).toBe(0)
    expect(called).toEqual([
      'stop-accepting at 0',
      'goodbye at 600',
      'drain at 600',
      'close at 600',
      'flush at 600',
      'verify at 1000',
    ])
    expect(steps.every(({ outcome }) => outcome === 'abandoned')).toBe(true)
    expect([...signals.values()].every(({ aborted }) => aborted)).toBe(true)
    // A millisecond or so for each step that has no time and is still asked.
    expect(tookMs).toBeGreaterThanOrEqual(1_000)
    expect(tookMs).toBeLessThan(1_020)
  })

  it('that is over still lets pass what is done at once', async () => {
    const ending = new GracefulShutdown({ graceMs: 100, flushReserveMs: 0 })
    const flushed = vi.fn<() => void>()
    ending.register('drain', 'stuck', hang)
    ending.register('close', 'prompt', async () => Promise.resolve())
    ending.register('flush', 'prompt', flushed)
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(outcomes((await report).steps)).toEqual(['drain stuck abandoned', 'close prompt done', 'flush prompt done'])
    expect(flushed).toHaveBeenCalledOnce()
  })

  it('leaves flush its 5 s after four phases of stuck steps, by default', async () => {
    const ending = new GracefulShutdown()
    for (const phase of ['stop-accepting', 'goodbye', 'drain', 'close'] as const) ending.register(phase, 'stuck', hang)
    ending.register('flush', 'slow', async () => after(4_900))
    const report = ending.run()
    await vi.runAllTimersAsync()
    const { steps } = await report
    expect(steps.at(-1)).toMatchObject({ name: 'slow', outcome: 'done' })
  })
})

describe('run', () => {
  it('runs once and gives everybody the same report', async () => {
    const ending = new GracefulShutdown()
    const step = vi.fn<() => void>()
    ending.register('drain', 'once', step)
    const [first, second] = await Promise.all([ending.run(), ending.run()])
    expect(second).toBe(first)
    expect(await ending.run()).toBe(first)
    expect(step).toHaveBeenCalledOnce()
  })

  it('called by a step of its first phase does not run that step again', async () => {
    const ending = new GracefulShutdown()
    const step = vi.fn<() => void>(() => {
      void ending.run()
    })
    ending.register('stop-accepting', 'again', step)
    await ending.run()
    expect(step).toHaveBeenCalledOnce()
  })

  it('awaited by one of its own steps ends all the same', async () => {
    const ending = new GracefulShutdown()
    ending.register('drain', 'circular', async () => {
      await ending.run()
    })
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(outcomes((await report).steps)).toEqual(['drain circular abandoned'])
  })

  it('has no timer left', async () => {
    const ending = new GracefulShutdown()
    ending.register('drain', 'step', () => undefined)
    await ending.run()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('options', () => {
  it.each<[keyof ShutdownInit, number]>([
    ['graceMs', 0],
    ['graceMs', Number.NaN],
    ['graceMs', 2_147_483_648],
    ['stepDeadlineMs', -1],
    ['stepDeadlineMs', Infinity],
    ['flushReserveMs', -1],
    ['flushReserveMs', 30_000],
  ])('%s %d is refused, naming both', (name, value) => {
    expect(() => new GracefulShutdown({ [name]: value })).toThrow(RangeError)
    expect(() => new GracefulShutdown({ [name]: value })).toThrow(`${name} is ${value}`)
  })

  it('flushReserveMs is half of a short grace period', async () => {
    const ending = new GracefulShutdown({ graceMs: 1_000 })
    ending.register('drain', 'stuck', hang)
    ending.register('flush', 'slow', async () => after(400))
    const report = ending.run()
    await vi.runAllTimersAsync()
    expect(outcomes((await report).steps)).toEqual(['drain stuck abandoned', 'flush slow done'])
  })

  it('of a step are checked when it is registered', () => {
    const ending = new GracefulShutdown()
    expect(() => ending.register('drain', 'step', hang, { deadlineMs: 0 })).toThrow('deadlineMs is 0')
    expect(() => ['tidy'].filter(isPhase).map((phase) => ending.register(phase, 'step', hang))).toThrow(
      'There is no phase tidy; there are stop-accepting, goodbye, drain, close, flush, verify',
    )
  })
})
