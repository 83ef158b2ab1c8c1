import type { RateCost } from '@gridmesh/interfaces'

/** The cost of whoever names none. */
export const ONE_MESSAGE: Readonly<RateCost> = Object.freeze({ messages: 1 })

/** Messages in `cost`: one, unless it says otherwise or is about streams only. */
export function messagesIn(cost: RateCost): number {
  return cost.messages ?? ((cost.streams ?? 0) > 0 ? 0 : 1)
}

/** @throws {RangeError} unless each cost is a finite number of 0 or more */
export function checkCosts(messages: number, bytes: number, streams: number): void {
  // Adding them up finds NaN and Infinity in any of the three.
  if (messages >= 0 && bytes >= 0 && streams >= 0 && messages + bytes + streams < Infinity) return
  const given = `${messages} messages, ${bytes} bytes, ${streams} streams`
  throw new RangeError(`A cost is made of finite numbers of 0 or more, and was ${given}`)
}
