import {
  setImmediate as promisedImmediate,
  setInterval as promisedInterval,
  setTimeout as promisedTimeout,
} from 'node:timers/promises'

type Log = (...seen: unknown[]) => void

/** Something done with what Node.js gives, told as what was seen of it; the times in it are short, since they are real once. */
export interface NodeScript {
  readonly name: string
  run(log: Log): void | Promise<void>
}

/** Longer than every timer of a script: what is due before it has fired when it fires. */
const LATER_MS = 20

async function later(): Promise<void> {
  await promisedTimeout(LATER_MS)
}

/** The name and code of what a function throws or rejects with. */
async function refusal(fn: () => unknown): Promise<string> {
  try {
    await fn()
    return 'accepted'
  } catch (err) {
    const { name, code = '' } = err as Error & { code?: string | number }
    return `${name} ${code}`
  }
}

const TIMERS: readonly NodeScript[] = [
  {
    name: 'a timer that was cleared and is renewed',
    async run(log) {
      const timer = setTimeout(() => log('timeout'), 1)
      clearTimeout(timer)
      log(timer.refresh() === timer)
      const interval = setInterval(() => log('interval'), 1)
      clearInterval(interval)
      interval.refresh()
      await later()
    },
  },
  {
    name: 'a timer that clears and renews itself',
    async run(log) {
      const timer = setTimeout(() => {
        log('fired')
        clearTimeout(timer)
        timer.refresh()
      }, 1)
      await later()
    },
  },
  {
    name: 'a timer that is renewed after it has fired, and from its own callback',
    async run(log) {
      let left = 3
      const timer = setTimeout(() => {
        log('fired')
        if (--left > 0) timer.refresh()
      }, 1)
      await later()
      timer.refresh()
      await later()
    },
  },
  {
    name: 'a timer known by its number, after it has fired',
    async run(log) {
      const timer = setTimeout(() => log('fired'), 1)
      const id = timer[Symbol.toPrimitive]()
      log(timer[Symbol.toPrimitive]() === id)
      await later()
      timer.refresh()
      clearTimeout(id)
      await later()
    },
  },
  {
    name: 'an interval that throws goes on until it is cleared, also by itself while it throws',
    async run(log) {
      let left = 3
      const interval = setInterval(() => {
        log('fired')
        if (--left === 0) clearInterval(interval)
        throw new RangeError('of an interval')
      }, 1)
      await later()
    },
  },
  {
    name: 'a timer that renews itself and throws',
    async run(log) {
      let left = 3
      const timer = setTimeout(() => {
        log('fired')
        if (--left > 0) timer.refresh()
        throw new RangeError('of a timer')
      }, 1)
      await later()
    },
  },
  {
    name: 'what comes after a callback that throws',
    async run(log) {
      setTimeout(() => {
        throw new RangeError('of a timer')
      }, 1)
      setTimeout(() => log('the next timer'), 1)
      queueMicrotask(() => {
        throw new RangeError('of a microtask')
      })
      queueMicrotask(() => log('the next microtask'))
      await later()
    },
  },
  {
    name: 'a callback is given its timer as this, and its arguments',
    async run(log) {
      const seen: unknown[] = []
      function callback(this: unknown, ...args: unknown[]): void {
        seen.push(this)
        log(...args)
      }
      const timers = [setTimeout(callback, 1, 'a', 'b'), setTimeout(callback, 2), setImmediate(callback, 'c')]
      const interval = setInterval(function once(this: NodeJS.Timeout) {
        seen.push(this)
        clearInterval(this)
      }, 3)
      await later()
      log([...timers, interval].map((timer) => seen.indexOf(timer)))
    },
  },
  {
    name: 'references to a timer',
    run(log) {
      const timer = setTimeout(() => {}, 1)
      log(timer.hasRef(), timer.unref() === timer, timer.hasRef(), timer.ref().hasRef())
      log(timer.close() === timer)
      const immediate = setImmediate(() => {})
      log(immediate.hasRef(), immediate.unref().hasRef(), immediate.ref().hasRef())
      immediate[Symbol.dispose]()
    },
  },
  {
    name: 'a callback that is none',
    async run(log) {
      for (const start of [setTimeout, setInterval, setImmediate]) {
        for (const none of ['code', null, undefined, {}])
          log(await refusal(() => Reflect.apply(start, undefined, [none])))
      }
    },
  },
  {
    name: 'the order of ticks, microtasks, immediates and timers',
    async run(log) {
      setImmediate(() => {
        log('immediate')
        setImmediate(() => log('immediate of an immediate'))
        process.nextTick(() => log('tick'))
        queueMicrotask(() => log('microtask'))
        clearImmediate(cleared)
      })
      const cleared = setImmediate(() => log('never'))
      setImmediate(() => log('the next immediate'))
      await later()
    },
  },
  {
    name: 'timers of node:timers/promises, and signals that end them',
    async run(log) {
      log(await promisedTimeout(1, 'a'), await promisedImmediate('b'))
      const controller = new AbortController()
      const waiting = promisedTimeout(1_000, undefined, { signal: controller.signal }).catch((err: unknown) => err)
      controller.abort('reason')
      const { name, code, cause } = (await waiting) as Error & { code: string }
      log(name, code, cause)
      log(await refusal(() => promisedImmediate(1, { signal: AbortSignal.abort() })))
    },
  },
  {
    name: 'an interval of node:timers/promises whose signal comes late: what was due is given before it ends',
    async run(log) {
      const controller = new AbortController()
      let given = 0
      const ended = await refusal(async () => {
        for await (const _ of promisedInterval(5, undefined, { signal: controller.signal })) {
          if (given++ > 0) continue
          // The interval fires each time, too.
          for (let turn = 0; turn < 4; turn++) await promisedTimeout(5)
          controller.abort()
        }
      })
      log(ended, given > 1)
    },
  },
]

const TIME: readonly NodeScript[] = [
  {
    name: 'Date as a class',
    run(log) {
      const date = new Date()
      const Again = date.constructor as DateConstructor
      log(date.constructor === Date, Date.prototype.constructor === Date, structuredClone(date).constructor === Date)
      log(Math.abs(new Again().getTime() - Date.now()) < 60_000, Again.now === Date.now)
      log(Date.name, Date.length, Object.getOwnPropertyNames(Date).toSorted(), Object.keys(Date).length)
      log(
        Object.getPrototypeOf(Date) === Function.prototype,
        Object.getOwnPropertyDescriptor(Date, 'prototype')?.writable,
      )
    },
  },
  {
    name: 'Date with arguments, without, and as a function',
    run(log) {
      log(
        Date.UTC(2020, 1, 3),
        Date.parse('2020-02-03T00:00:00Z'),
        new Date(2020, 1, 3).getMonth(),
        new Date(0).getTime(),
      )
      log(new Date(new Date(5)).getTime(), Number.isNaN(Reflect.construct(Date, [undefined]).getTime()))
      const text: unknown = Reflect.apply(Date, undefined, [2000, 1])
      log(typeof text, Math.abs(Date.parse(String(text)) - Date.now()) < 60_000)
    },
  },
  {
    name: 'one present for all who tell it',
    run(log) {
      const nowMs = Date.now()
      log(Math.abs(performance.timeOrigin + performance.now() - nowMs) < 3_600_000)
      const format = new Intl.DateTimeFormat('en', { year: 'numeric', timeZone: 'UTC' })
      const year = String(new Date(nowMs).getUTCFullYear())
      const parts = format.formatToParts().map(({ value }) => value)
      log(format.format() === year, parts.join('') === year, format.format(0), format.formatToParts(0)[0]?.value)
      log(Math.abs(process.uptime() * 1_000 - performance.now()) < 60_000)
    },
  },
  {
    name: 'process.hrtime with a time of its own to count from',
    async run(log) {
      const [seconds] = process.hrtime()
      const [ahead, nanoseconds] = process.hrtime([seconds + 100, 5])
      log(ahead < 0, nanoseconds >= 0)
      log(await refusal(() => Reflect.apply(process.hrtime, process, ['now'])))
      log(await refusal(() => Reflect.apply(process.hrtime, process, [[1]])))
    },
  },
  {
    name: 'AbortSignal.timeout: its reason, and which times it takes',
    async run(log) {
      const signal = AbortSignal.timeout(1)
      log(signal.aborted, signal instanceof AbortSignal)
      await later()
      const { name, message, code } = signal.reason as DOMException
      log(signal.aborted, name, message, code)
      for (const delay of [1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, '5', undefined, null]) {
        log(delay, await refusal(() => Reflect.apply(Reflect.get(AbortSignal, 'timeout'), AbortSignal, [delay])))
      }
    },
  },
  {
    name: 'AbortSignal.timeout: a time longer than a timer takes is over at once',
    async run(log) {
      const signal = AbortSignal.timeout(2 ** 31)
      await later()
      log(signal.aborted)
    },
  },
]

export const NODE_SCRIPTS: readonly NodeScript[] = [...TIMERS, ...TIME]

/** Runs a script and tells what it logged. */
export async function observe(script: NodeScript): Promise<string[]> {
  const lines: string[] = []
  await script.run((...seen) => lines.push(seen.map(String).join(' ')))
  return lines
}
