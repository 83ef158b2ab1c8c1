import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { createActor } from '../src/clock/actor.ts'
import { SimTimeout, timerDelay } from '../src/clock/sim-timer.ts'
import { VirtualClock } from '../src/clock/virtual-clock.ts'
import { Random } from '../src/random/random.ts'

// Virtual time does not depend on how busy the machine is; the real time of a run does.
vi.setConfig({ testTimeout: 60_000 })

/** What a timer does when it fires: makes others, and clears or renews an earlier one. */
interface Script {
  readonly delayMs: number
  readonly repeats: number
  readonly children: readonly Script[]
  readonly clears: number | undefined
  readonly refreshes: number | undefined
}

interface Handle {
  close(): void
  refresh(): void
}

type MakeTimer = (callback: () => void, delayMs: number, repeats: boolean) => Handle

const { script } = fc.letrec<{ script: Script }>((tie) => ({
  script: fc.record({
    delayMs: fc.integer({ min: -2, max: 30 }),
    repeats: fc.nat(3),
    children: fc.oneof({ maxDepth: 2 }, fc.constant([]), fc.array(tie('script'), { maxLength: 3 })),
    clears: fc.option(fc.nat(20), { nil: undefined }),
    refreshes: fc.option(fc.nat(20), { nil: undefined }),
  }),
}))

/** Plays a script on any scheduler. Returns what fired, and when. */
function play(scripts: readonly Script[], now: () => number, make: MakeTimer, runAll: () => void): string[] {
  const fired: string[] = []
  const handles: Handle[] = []
  const begin = ({ delayMs, repeats, children, clears, refreshes }: Script): void => {
    const name = handles.length
    let left = repeats
    const handle = make(
      () => {
        fired.push(`${name} at ${now()}`)
        children.forEach((child) => handles.length < 200 && begin(child))
        if (clears !== undefined) handles[clears]?.close()
        if (refreshes !== undefined && fired.length < 300) handles[refreshes]?.refresh()
        if (repeats > 0 && --left <= 0) handle.close()
      },
      delayMs,
      repeats > 0,
    )
    handles.push(handle)
  }
  scripts.forEach(begin)
  runAll()
  return fired
}

function onVirtualClock(scripts: readonly Script[]): string[] {
  const clock = new VirtualClock(createActor(0, new Random(1, 0)))
  const make: MakeTimer = (callback, delayMs, repeats) => new SimTimeout(clock, callback, timerDelay(delayMs), repeats)
  let steps = 0
  return play(
    scripts,
    () => clock.nowMs,
    make,
    () => {
      while (steps++ < 2_000 && clock.step());
    },
  )
}

/** The same by a list that is searched from end to end. */
function onReference(scripts: readonly Script[]): string[] {
  interface Planned {
    atMs: number
    order: number
    fire: () => void
  }
  let planned: Planned[] = []
  let [nowMs, order, steps] = [0, 0, 0]
  const make: MakeTimer = (callback, delay, repeats) => {
    const delayMs = delay >= 1 ? delay : 1
    let mine: Planned | undefined
    let isClosed = false
    const cancel = (): void => {
      planned = planned.filter((entry) => entry !== mine)
      mine = undefined
    }
    const plan = (): void => {
      const entry: Planned = { atMs: nowMs + delayMs, order: order++, fire: () => {} }
      entry.fire = () => {
        callback()
        if (mine !== entry) return
        if (repeats) plan()
        else mine = undefined
      }
      mine = entry
      planned.push(entry)
    }
    plan()
    const close = (): void => {
      isClosed = true
      cancel()
    }
    const refresh = (): void => {
      if (isClosed) return
      cancel()
      plan()
    }
    return { close, refresh }
  }
  return play(
    scripts,
    () => nowMs,
    make,
    () => {
      while (steps++ < 2_000 && planned.length > 0) {
        const next = planned.reduce((a, b) => (b.atMs < a.atMs || (b.atMs === a.atMs && b.order < a.order) ? b : a))
        planned = planned.filter((entry) => entry !== next)
        nowMs = next.atMs
        next.fire()
      }
    },
  )
}

it('fires timers as a naive scheduler does, whatever they make, clear and renew', () => {
  fc.assert(
    fc.property(fc.array(script, { maxLength: 8 }), (scripts) => {
      expect(onVirtualClock(scripts)).toEqual(onReference(scripts))
    }),
    { numRuns: 200 },
  )
})

it.each([
  [undefined, 1],
  [0, 1],
  [-5, 1],
  [Number.NaN, 1],
  [1.9, 1],
  [2 ** 31 - 1, 2 ** 31 - 1],
  [2 ** 31, 1],
  ['25', 25],
])('takes a delay of %s for %s ms, as Node.js does', (delay, expected) => {
  expect(timerDelay(delay)).toBe(expected)
})

it('lets a slow actor take cpuMs for each event, in order, and nobody else wait', () => {
  const slow = createActor(0, new Random(1, 0))
  const quick = createActor(1, new Random(1, 1))
  const clock = new VirtualClock(slow)
  slow.cpuMs = 10
  const log: string[] = []
  for (const name of ['a', 'b', 'c']) clock.plan('task', slow, 5, () => log.push(`${name} ${clock.nowMs}`))
  clock.plan('task', quick, 6, () => log.push(`quick ${clock.nowMs}`))
  while (clock.step());
  expect(log).toEqual(['a 5', 'quick 6', 'b 15', 'c 25'])
})

it('drops what a dead actor had planned, and what waited for it', () => {
  const actor = createActor(0, new Random(1, 0))
  const clock = new VirtualClock(createActor(1, new Random(1, 1)))
  const log: string[] = []
  clock.plan('task', actor, 1, () => log.push('never'))
  actor.isAlive = false
  while (clock.step());
  expect(log).toEqual([])
})
