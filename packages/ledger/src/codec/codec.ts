import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** One binary form for a value. */
export interface Codec<T> {
  write(value: T, writer: ByteWriter): void
  /** @throws {MalformedError} */
  read(reader: ByteReader): T
}

/** A writer that nobody uses: rows are written by the thousand, and the memory for each would outlive it. */
let idle: ByteWriter | undefined

/** Writes `value` alone. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = idle ?? new ByteWriter()
  // Whatever is written in between, or throws, does not find it.
  idle = undefined
  codec.write(value, writer)
  const bytes = writer.finish()
  writer.clear()
  idle = writer
  return bytes
}

/** Reads `bytes`, which have to be a value and no more. @throws {MalformedError} */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, what: string, maxBytes: number): T {
  const reader = new ByteReader(bytes, what, maxBytes)
  const value = codec.read(reader)
  reader.end()
  return value
}
