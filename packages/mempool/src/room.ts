import type { PoolTransaction } from './chain.ts'
import { comparePlaces, type Entry, type Place } from './entry.ts'
import type { MempoolOptions } from './options.ts'
import type { PoolIndex } from './pool-index.ts'
import { type Refusal, refuse } from './refusal.ts'

/** The limits on what the pool holds. */
export type RoomLimits = Pick<
  MempoolOptions,
  'maxTransactions' | 'maxBytes' | 'maxTransactionsPerSender' | 'maxBytesPerSender'
>

type FullCode = 'sender-full' | 'pool-full'

/** An entry that has to go, and the limit for which it has to. */
export interface Victim<T extends PoolTransaction> {
  readonly entry: Entry<T>
  readonly why: Refusal<FullCode>
}

/** Count and bytes, and the most there may be of each. */
interface Room {
  count: number
  bytes: number
  readonly maxCount: readonly [name: string, value: number]
  readonly maxBytes: readonly [name: string, value: number]
}

/**
 * Who has to go for a newcomer at `place`: the last in the order, first of its sender's and then of all, and nobody who
 * comes before it. A refusal where they would not do.
 */
export function makeRoom<T extends PoolTransaction>(
  index: PoolIndex<T>,
  limits: RoomLimits,
  newcomer: T,
  place: Place,
): Victim<T>[] | Refusal {
  const own = index.sender(newcomer.sender)
  const ofSender = clear(own?.order, place, enter(senderRoom(own, limits), newcomer), 'sender-full')
  if (!Array.isArray(ofSender)) return ofSender
  const gone = withDescendants(index, ofSender)
  const room = enter(totalRoom(index, limits), newcomer)
  for (const { transaction } of gone) leave(room, transaction)
  const ofAll = clear(index.order, place, room, 'pool-full', gone)
  return Array.isArray(ofAll) ? [...ofSender, ...ofAll] : ofAll
}

/** As `makeRoom`, at once and before all else is known: a refusal only where there is sure to be one. */
export function hasNoRoom<T extends PoolTransaction>(
  index: PoolIndex<T>,
  limits: RoomLimits,
  newcomer: T,
  place: Place,
): Refusal | undefined {
  const own = index.sender(newcomer.sender)
  const isLast = (last: Place | undefined): boolean => last === undefined || comparePlaces(last, place) < 0
  if (isLast(own?.order.last)) {
    const full = fullness(enter(senderRoom(own, limits), newcomer), 'sender-full')
    if (full !== undefined) return full
  }
  return isLast(index.order.last) ? fullness(enter(totalRoom(index, limits), newcomer), 'pool-full') : undefined
}

/** The next that has to go as a sender has more than the limits allow. */
export function overflowOf<T extends PoolTransaction>(
  index: PoolIndex<T>,
  limits: RoomLimits,
  sender: string,
): Victim<T> | undefined {
  const own = index.sender(sender)
  return lastOf(own?.order, fullness(senderRoom(own, limits), 'sender-full'))
}

/** The next that has to go as there is more than the limits allow. */
export function overflow<T extends PoolTransaction>(index: PoolIndex<T>, limits: RoomLimits): Victim<T> | undefined {
  return lastOf(index.order, fullness(totalRoom(index, limits), 'pool-full'))
}

function lastOf<T extends PoolTransaction>(
  order: PoolIndex<T>['order'] | undefined,
  why: Refusal<FullCode> | undefined,
): Victim<T> | undefined {
  const entry = order?.last
  return entry === undefined || why === undefined ? undefined : { entry, why }
}

function senderRoom<T extends PoolTransaction>(
  own: ReturnType<PoolIndex<T>['sender']>,
  { maxTransactionsPerSender, maxBytesPerSender }: RoomLimits,
): Room {
  return {
    count: own?.order.size ?? 0,
    bytes: own?.bytes ?? 0,
    maxCount: ['maxTransactionsPerSender', maxTransactionsPerSender],
    maxBytes: ['maxBytesPerSender', maxBytesPerSender],
  }
}

function totalRoom<T extends PoolTransaction>({ count, bytes }: PoolIndex<T>, limits: RoomLimits): Room {
  return {
    count,
    bytes,
    maxCount: ['maxTransactions', limits.maxTransactions],
    maxBytes: ['maxBytes', limits.maxBytes],
  }
}

function clear<T extends PoolTransaction>(
  order: PoolIndex<T>['order'] | undefined,
  place: Place,
  room: Room,
  code: FullCode,
  gone: ReadonlySet<Entry<T>> = new Set(),
): Victim<T>[] | Refusal {
  const victims: Victim<T>[] = []
  const last = order?.backwards()
  for (let why = fullness(room, code); why !== undefined; why = fullness(room, code)) {
    const entry = last?.next().value ?? undefined
    if (entry === undefined || comparePlaces(entry, place) < 0) return why
    if (gone.has(entry)) continue
    victims.push({ entry, why })
    leave(room, entry.transaction)
  }
  return victims
}

function fullness({ count, bytes, maxCount, maxBytes }: Room, code: FullCode): Refusal<FullCode> | undefined {
  if (count > maxCount[1]) return refuse(code, `${count} transactions, where ${maxCount[0]} is ${maxCount[1]}`)
  if (bytes > maxBytes[1]) return refuse(code, `${bytes} bytes, where ${maxBytes[0]} is ${maxBytes[1]}`)
  return undefined
}

function enter(room: Room, { size }: PoolTransaction): Room {
  return { ...room, count: room.count + 1, bytes: room.bytes + size }
}

function leave(room: Room, { size }: PoolTransaction): void {
  room.count -= 1
  room.bytes -= size
}

function withDescendants<T extends PoolTransaction>(index: PoolIndex<T>, victims: readonly Victim<T>[]): Set<Entry<T>> {
  const all = new Set(victims.map(({ entry }) => entry))
  // A set that grows while it is walked: what is added is walked too.
  for (const { transaction } of all) {
    for (const child of index.childrenOf(transaction)) all.add(child)
  }
  return all
}
