import { HASH_BYTES } from './constants.ts'

/** Keys outside generations. */
export const FORMAT_KEY: Uint8Array = Buffer.from('format')
export const META_KEY: Uint8Array = Buffer.from('meta')
/** What state is staged in the next generation. */
export const STAGE_KEY: Uint8Array = Buffer.from('stage')
/** Which index of the state there is. */
export const INDEX_KEY: Uint8Array = Buffer.from('index')
const GENERATION = Buffer.from('g')
const GENERATION_END = Buffer.from('h')

const TABLES = {
  header: 0x68,
  height: 0x6e,
  body: 0x62,
  ids: 0x69,
  transaction: 0x74,
  part: 0x70,
  undo: 0x75,
  state: 0x73,
  index: 0x78,
} as const
type Table = keyof typeof TABLES

/** Key of the number of a batch. */
export function journalKey(slot: number): Uint8Array {
  return Buffer.from([0x6a, slot])
}

/** What is of no generation in use: before `first` and after `last`. */
export function otherGenerations(first: number, last = first): { gte: Uint8Array; lt: Uint8Array }[] {
  return [
    { gte: GENERATION, lt: generationKey(first) },
    { gte: generationKey(last + 1), lt: GENERATION_END },
  ]
}

/** All of one generation. */
export function generationRange(generation: number): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: generationKey(generation), lt: generationKey(generation + 1) }
}

function generationKey(generation: number): Uint8Array {
  const key = Buffer.alloc(5, GENERATION)
  key.writeUInt32BE(generation, 1)
  return key
}

/** Keys of one generation: everything of a chain stands under it, so that another can take its place in one batch. */
export class Keys {
  readonly #prefixes: Readonly<Record<Table, Uint8Array>>

  constructor(generation: number) {
    const of = (table: Table) => Buffer.concat([generationKey(generation), Buffer.from([TABLES[table]])])
    this.#prefixes = {
      header: of('header'),
      height: of('height'),
      body: of('body'),
      ids: of('ids'),
      transaction: of('transaction'),
      part: of('part'),
      undo: of('undo'),
      state: of('state'),
      index: of('index'),
    }
  }

  header(height: number): Uint8Array {
    return this.#at('header', height)
  }

  heightOf(hash: Uint8Array): Uint8Array {
    return joined(this.#prefixes.height, hash)
  }

  /** With the hash, so that a block which replaced another at its height is never taken for it. */
  body(height: number, hash: Uint8Array): Uint8Array {
    return this.#at('body', height, hash)
  }

  ids(height: number): Uint8Array {
    return this.#at('ids', height)
  }

  /** Of a part of the state that is there as a whole. */
  part(part: number): Uint8Array {
    return this.#at('part', part)
  }

  /** All parts. */
  get parts(): { gte: Uint8Array; lt: Uint8Array } {
    return { gte: this.#prefixes.part, lt: endOf(this.#prefixes.part) }
  }

  /** The part in a key. */
  partIn(key: Uint8Array): number {
    return Buffer.from(key).readUIntBE(key.length - 6, 6)
  }

  undo(height: number): Uint8Array {
    return this.#at('undo', height)
  }

  /** With the height, so that an id that comes again hides no earlier one for good. */
  transaction(id: Uint8Array, height: number): Uint8Array {
    const key = Buffer.allocUnsafe(this.#prefixes.transaction.length + HASH_BYTES + 6)
    key.set(this.#prefixes.transaction)
    key.set(id, this.#prefixes.transaction.length)
    key.writeUIntBE(height, key.length - 6, 6)
    return key
  }

  /** The height in the key of a transaction. */
  heightIn(key: Uint8Array): number {
    return Buffer.from(key).readUIntBE(key.length - 6, 6)
  }

  state(key: Uint8Array): Uint8Array {
    return joined(this.#prefixes.state, key)
  }

  /** The state's own key. */
  stateKeyOf(key: Uint8Array): Uint8Array {
    return key.subarray(this.#prefixes.state.length)
  }

  /** The whole state. */
  get states(): { gte: Uint8Array; lt: Uint8Array } {
    return { gte: this.#prefixes.state, lt: this.stateEnd }
  }

  /** End of the state: above it, and no key of it. */
  get stateEnd(): Uint8Array {
    return endOf(this.#prefixes.state)
  }

  /** Of an entry in the index, behind its term, with whose length no other term begins so. */
  index(term: Uint8Array, key: Uint8Array): Uint8Array {
    const prefix = this.#prefixes.index
    const whole = Buffer.allocUnsafe(prefix.length + 1 + term.length + key.length)
    whole.set(prefix)
    whole[prefix.length] = term.length
    whole.set(term, prefix.length + 1)
    whole.set(key, prefix.length + 1 + term.length)
    return whole
  }

  /** The whole index. */
  get indexes(): { gte: Uint8Array; lt: Uint8Array } {
    return { gte: this.#prefixes.index, lt: endOf(this.#prefixes.index) }
  }

  /** All of one term. */
  indexed(term: Uint8Array): { gte: Uint8Array; lt: Uint8Array } {
    const gte = this.index(term, new Uint8Array())
    return { gte, lt: endOf(gte) }
  }

  /** The state's own key of an entry in the index. */
  indexedKeyOf(key: Uint8Array, term: Uint8Array): Uint8Array {
    return key.subarray(this.#prefixes.index.length + 1 + term.length)
  }

  #at(table: Table, height: number, hash?: Uint8Array): Uint8Array {
    const prefix = this.#prefixes[table]
    const key = Buffer.allocUnsafe(prefix.length + 6 + (hash?.length ?? 0))
    key.set(prefix)
    key.writeUIntBE(height, prefix.length, 6)
    if (hash !== undefined) key.set(hash, prefix.length + 6)
    return key
  }
}

/** Above a prefix and all that begins with it. It begins with the letter of a generation, so not all of it is 0xff. */
function endOf(prefix: Uint8Array): Uint8Array {
  const last = prefix.findLastIndex((byte) => byte !== 0xff)
  const end = Buffer.from(prefix.subarray(0, last + 1))
  end[last] = (prefix[last] ?? 0) + 1
  return end
}

function joined(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(prefix.length + key.length)
  whole.set(prefix)
  whole.set(key, prefix.length)
  return whole
}
