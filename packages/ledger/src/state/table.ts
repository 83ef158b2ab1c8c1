import { type Codec, decode, encode } from '../codec/codec.ts'
import { MAX_ROW_BYTES } from '../constants.ts'
import type { Overlay } from './overlay.ts'
import type { StateView } from './state-view.ts'

/** Rows of one kind in the state, under one letter. */
export class Table<Key, Row> {
  readonly #letter: number
  readonly #name: string
  readonly #keyBytes: (key: Key) => Uint8Array
  readonly #codec: Codec<Row>
  /** The key that was asked for last, where it is a number or a text: a block asks for one zone over and over. */
  #last: { key: Key; bytes: Uint8Array } | undefined

  constructor(letter: string, name: string, keyBytes: (key: Key) => Uint8Array, codec: Codec<Row>) {
    this.#letter = letter.charCodeAt(0)
    this.#name = name
    this.#keyBytes = keyBytes
    this.#codec = codec
  }

  /** Where the state has the row. */
  key(key: Key): Uint8Array {
    if (typeof key === 'object') return this.#keyOf(key)
    if (this.#last === undefined || this.#last.key !== key) this.#last = { key, bytes: this.#keyOf(key) }
    return this.#last.bytes
  }

  #keyOf(key: Key): Uint8Array {
    const rest = this.#keyBytes(key)
    const bytes = Buffer.allocUnsafe(1 + rest.byteLength)
    bytes[0] = this.#letter
    bytes.set(rest, 1)
    return bytes
  }

  /** Whether a key of the state is one of a row here. */
  owns(stateKey: Uint8Array): boolean {
    return stateKey[0] === this.#letter
  }

  /** @throws {MalformedError} where the state is corrupt */
  get(view: StateView, key: Key): Row | undefined {
    const bytes = view.get(this.key(key))
    return bytes === undefined ? undefined : this.parse(bytes)
  }

  has(view: StateView, key: Key): boolean {
    return view.get(this.key(key)) !== undefined
  }

  put(state: Overlay, key: Key, row: Row): void {
    state.put(this.key(key), encode(this.#codec, row))
  }

  create(state: Overlay, key: Key, row: Row): void {
    state.create(this.key(key), encode(this.#codec, row))
  }

  delete(state: Overlay, key: Key): void {
    state.delete(this.key(key))
  }

  /** Reads a row as the state has it. @throws {MalformedError} */
  parse(bytes: Uint8Array): Row {
    return decode(this.#codec, bytes, this.#name, MAX_ROW_BYTES)
  }
}

const NOTHING = new Uint8Array(0)

/** A table of one row, under nothing but its letter. */
export function single<Row>(letter: string, name: string, codec: Codec<Row>): Table<void, Row> {
  return new Table<void, Row>(letter, name, () => NOTHING, codec)
}

/** Keys that are bytes of a fixed length: addresses and output ids. */
export function asIs(bytes: Uint8Array): Uint8Array {
  return bytes
}
