/** One change of a batch: a value to put, or `undefined` to delete. */
export interface BatchOperation {
  key: Uint8Array
  value: Uint8Array | undefined
}

/** Keys of an iteration or a removal, in the order of their bytes. */
export interface KeyRange {
  /** First key, itself included; none for the first there is. */
  gte?: Uint8Array
  /** End, itself left out; none for the last there is. */
  lt?: Uint8Array
}

/** An iteration over what the store held when it began. */
export interface EntryIterator {
  /** The next entries, some at a time; none when it is over. */
  next(): Promise<[key: Uint8Array, value: Uint8Array][]>
  /**
   * Ends the iteration; again is nothing. It may come while `next` is under way, which resolves or rejects before this
   * does: entries are asked for ahead, and whoever reads them may leave at any time.
   */
  close(): Promise<void>
}

/** What the store held when it was made, whatever is written later. It costs nothing but what is not deleted meanwhile. */
export interface KeyValueSnapshot {
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  iterator(range: KeyRange): EntryIterator
  /** Lets go of it; reads under way are waited for. Again is nothing. */
  close(): Promise<void>
}

/**
 * What a block store needs of an ordered key-value store. Bytes that are handed over, either way, are not changed
 * afterwards by anyone.
 */
export interface KeyValueStore {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** The values of `keys`, all of one moment. */
  getMany(keys: Uint8Array[]): Promise<(Uint8Array | undefined)[]>
  /** Writes all or nothing, in order. With `sync` it is on the disk when this resolves. */
  batch(operations: readonly BatchOperation[], options: { sync: boolean }): Promise<void>
  /** Iterates in ascending order over what is there now: later writes do not show. */
  iterator(range: KeyRange & { reverse?: boolean }): EntryIterator
  /** What is there now, to be read later: as many as are not closed are held, and all end with the store. */
  snapshot(): KeyValueSnapshot
  /**
   * Deletes a range, not at once, while other keys are read and written: killed in the middle, part of it is left. Once
   * the signal aborts, it ends soon, by its reason, and the rest is left.
   */
  clear(range: KeyRange, options?: { signal?: AbortSignal }): Promise<void>
  close(): Promise<void>
}
