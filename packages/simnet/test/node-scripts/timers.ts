import { AsyncLocalStorage } from 'node:async_hooks'
import {
  setImmediate as promisedImmediate,
  setInterval as promisedInterval,
  setTimeout as promisedTimeout,
} from 'node:timers/promises'
import { later, type NodeScript, refusal } from './script.ts'

export const TIMERS: readonly NodeScript[] = [
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
      const { promise, resolve } = Promise.withResolvers<void>()
      let left = 3
      const timer = setTimeout(() => {
        log('fired')
        if (--left > 0) timer.refresh()
        else resolve()
      }, 1)
      await promise
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
      const { promise, resolve } = Promise.withResolvers<void>()
      let left = 3
      const interval = setInterval(() => {
        log('fired')
        if (--left === 0) {
          clearInterval(interval)
          resolve()
        }
        throw new RangeError('of an interval')
      }, 1)
      await promise
      await later()
    },
  },
  {
    name: 'a timer that renews itself and throws',
    async run(log) {
      const { promise, resolve } = Promise.withResolvers<void>()
      let left = 3
      const timer = setTimeout(() => {
        log('fired')
        if (--left > 0) timer.refresh()
        else resolve()
        throw new RangeError('of a timer')
      }, 1)
      await promise
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
      const starts = [
        (callback: (...args: unknown[]) => void) => setTimeout(callback, 1, 'a', 'b'),
        (callback: (...args: unknown[]) => void) => setInterval(callback, 1, 'c'),
        (callback: (...args: unknown[]) => void) => setImmediate(callback, 'd'),
        (callback: (...args: unknown[]) => void) => setTimeout(callback, 1),
      ]
      for (const start of starts) {
        const { promise, resolve } = Promise.withResolvers<unknown>()
        const timer = start(function callback(this: unknown, ...args) {
          log(...args)
          resolve(this)
        })
        log((await promise) === timer)
        timer[Symbol.dispose]()
      }
    },
  },
  {
    name: 'a callback has the asynchronous context in which its timer was made',
    async run(log) {
      const storage = new AsyncLocalStorage<string>()
      const starts: Readonly<Record<string, (callback: () => void) => Disposable>> = {
        timeout: (callback) => setTimeout(callback, 1),
        interval: (callback) => setInterval(callback, 1),
        immediate: (callback) => setImmediate(callback),
      }
      for (const [name, start] of Object.entries(starts)) {
        const { promise, resolve } = Promise.withResolvers<unknown>()
        const timer = storage.run(name, () => start(() => resolve(storage.getStore())))
        log(await promise, storage.getStore())
        timer[Symbol.dispose]()
      }
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
    name: 'the order of ticks, microtasks and immediates',
    async run(log) {
      const { promise, resolve } = Promise.withResolvers<void>()
      setImmediate(() => {
        log('immediate')
        setImmediate(() => {
          log('immediate of an immediate')
          resolve()
        })
        process.nextTick(() => log('tick'))
        queueMicrotask(() => log('microtask'))
        clearImmediate(cleared)
      })
      const cleared = setImmediate(() => log('never'))
      setImmediate(() => log('the next immediate'))
      await promise
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
