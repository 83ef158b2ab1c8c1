import { RealDate } from '../clock/real.ts'
import type { PatchList } from './patch-list.ts'

/** A `Date` whose present is virtual, and the same class to `instanceof` as the real one. */
function simDate(nowMs: () => number): object {
  function SimDate(this: unknown, ...args: []): Date | string {
    if (new.target === undefined) return new RealDate(nowMs()).toString()
    return Reflect.construct(RealDate, args.length === 0 ? [nowMs()] : args, new.target)
  }
  const own = Object.getOwnPropertyDescriptors(RealDate)
  // All but `now` is that of the real one: `prototype`, `length`, `name`, `parse` and `UTC`.
  return Object.defineProperties(SimDate, { ...own, now: { ...own.now, value: nowMs } })
}

/** Formats the present when it is given no date. */
function patchFormat(patches: PatchList, nowMs: () => number): void {
  const prototype: object = Intl.DateTimeFormat.prototype
  const realParts = Reflect.get(prototype, 'formatToParts')
  const descriptor: object = { ...Object.getOwnPropertyDescriptor(prototype, 'format') }
  const realFormat: () => (date: unknown) => unknown = Reflect.get(descriptor, 'get')
  patches.set(prototype, 'formatToParts', function formatToParts(this: unknown, date: unknown = nowMs()) {
    return Reflect.apply(realParts, this, [date])
  })
  patches.setGetter(prototype, 'format', function format(this: unknown) {
    const formatter = Reflect.apply(realFormat, this, [])
    return (date: unknown = nowMs()): unknown => formatter(date)
  })
}

/** Replaces what tells the calendar time. */
export function patchDate(patches: PatchList, nowMs: () => number): void {
  const date = simDate(nowMs)
  patches.set(globalThis, 'Date', date)
  patches.set(RealDate.prototype, 'constructor', date)
  patchFormat(patches, nowMs)
}
