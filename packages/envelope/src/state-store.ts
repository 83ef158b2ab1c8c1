import { type Datastore, Key } from 'interface-datastore'
import { bytesKey, keyBytes } from './bytes.ts'
import { STATE_KEY, STATE_VERSION } from './constants.ts'
import { StoreTimeoutError } from './errors.ts'
import { laneNumber, laneOf } from './fields.ts'
import { StateRecord } from './pb/state.ts'
import type { WindowSummary } from './replay-guard.ts'

/** What outlives a restart. */
export interface EnvelopeState {
  /** Written on a clean stop: `windows` and `floorMs` are exact. Else `leaseMs` counts in their place. */
  isClean: boolean
  /** No envelope dated after it was accepted, but for those of the senders in `ahead`. */
  leaseMs: number
  floorMs: number
  /** Our own sequence numbers are below it. */
  sequenceMark: bigint
  windows: WindowSummary[]
  /** By sender: its envelopes dated at or before this time may have been accepted, and none later that no window knows. */
  ahead: ReadonlyMap<string, number>
}

const KEY = new Key(STATE_KEY)

/** Reads and writes the state as one record, so that it is never half written. */
export class StateStore {
  readonly #datastore: Datastore
  readonly #timeoutMs: number

  constructor(datastore: Datastore, timeoutMs: number) {
    this.#datastore = datastore
    this.#timeoutMs = timeoutMs
  }

  /** The state; `undefined` where none was ever written. Throws what the datastore throws. @throws {StoreTimeoutError} */
  async read(): Promise<EnvelopeState | undefined> {
    const bytes = await this.#bounded((signal) => this.#datastore.get(KEY, { signal })).catch((err: unknown) => {
      if (err instanceof Error && err.name === 'NotFoundError') return undefined
      throw err
    })
    return bytes === undefined ? undefined : decodeState(bytes)
  }

  /** Writes the state. Throws what the datastore throws. @throws {StoreTimeoutError} */
  async write(state: EnvelopeState): Promise<void> {
    await this.#bounded((signal) => this.#datastore.put(KEY, encodeState(state), { signal }))
  }

  async #bounded<T>(call: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { promise: timeout, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      reject(new StoreTimeoutError(this.#timeoutMs))
      controller.abort()
    }, this.#timeoutMs)
    try {
      // The race, since not every datastore heeds the signal.
      return await Promise.race([call(controller.signal), timeout])
    } finally {
      clearTimeout(timer)
    }
  }
}

function encodeState({ windows, ahead, ...state }: EnvelopeState): Uint8Array {
  return StateRecord.encode({
    ...state,
    version: STATE_VERSION,
    senderKeys: windows.map(({ sender }) => keyBytes(sender)),
    lanes: windows.map(({ lane }) => laneNumber(lane)),
    tops: windows.map(({ top }) => top),
    newestMs: windows.map(({ newestMs }) => newestMs),
    aheadKeys: Array.from(ahead.keys(), keyBytes),
    aheadMs: [...ahead.values()],
  })
}

function decodeState(bytes: Uint8Array): EnvelopeState {
  const { version, senderKeys, lanes, tops, newestMs, aheadKeys, aheadMs, ...state } = StateRecord.decode(bytes)
  if (version !== STATE_VERSION) throw new TypeError(`State of version ${version} under ${STATE_KEY}`)
  const windows = senderKeys.map((senderKey, row) => {
    const top = tops[row]
    const newest = newestMs[row]
    if (top === undefined || newest === undefined)
      throw new TypeError(`State with a torn row ${row} under ${STATE_KEY}`)
    return { sender: bytesKey(senderKey), lane: laneOf(lanes[row] ?? 0), top, newestMs: newest }
  })
  const ahead = new Map<string, number>()
  for (const [row, senderKey] of aheadKeys.entries()) {
    const untilMs = aheadMs[row]
    if (untilMs === undefined) throw new TypeError(`State with a torn row ${row} under ${STATE_KEY}`)
    ahead.set(bytesKey(senderKey), untilMs)
  }
  return { ...state, windows, ahead }
}
