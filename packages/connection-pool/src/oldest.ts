import { CROSSING_MS } from './constants.ts'
import type { Ticket } from './ticket.ts'

/** Whether both sides may have dialled the other before they heard of each other's dial. */
export function haveCrossed(one: Ticket, other: Ticket): boolean {
  return one.direction !== other.direction && Math.abs(one.openedAtMs - other.openedAtMs) < CROSSING_MS
}

/**
 * The connection of a peer that has to go first: the oldest, by age and not by who is judged last, since both sides see
 * ages alike and hardly the turns. Where dials of both sides have crossed, each sees its own and the other's at a
 * different moment, so of those it is the one that came of the dial of the lesser id; `isLesser` is whether that is ours.
 */
export function oldestOf(tickets: readonly Ticket[], isLesser: boolean): Ticket | undefined {
  const [first, ...rest] = tickets
  return rest.reduce((oldest, one) => (oldest !== undefined && isOlder(one, oldest, isLesser) ? one : oldest), first)
}

/** The connection of a peer that is used: the newest, by the same rule. Of those that are equally old, the last. */
export function newestOf(tickets: readonly Ticket[], isLesser: boolean): Ticket | undefined {
  const [first, ...rest] = tickets
  return rest.reduce((newest, one) => (newest !== undefined && isOlder(one, newest, isLesser) ? newest : one), first)
}

function isOlder(one: Ticket, other: Ticket, isLesser: boolean): boolean {
  if (haveCrossed(one, other)) return (one.direction === 'outbound') === isLesser
  return one.openedAtMs < other.openedAtMs
}
