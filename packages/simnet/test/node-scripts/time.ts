import { later, type NodeScript, refusal } from './script.ts'

export const TIME: readonly NodeScript[] = [
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
