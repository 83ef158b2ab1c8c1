import type { Codec } from '@gridmesh/interfaces'
import { textOf } from '../ask.ts'
import { WIRE_VERSION } from '../constants.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** How a message is written and read, between the version and the end. */
interface Layout<T> {
  /** For errors. */
  what: string
  maxBytes: number
  write: (value: T, writer: ByteWriter) => void
  read: (reader: ByteReader) => T
}

/**
 * Makes the codec of a layout. `encode` reads what it wrote, as views: so nobody is sent what they would refuse, and a
 * value out of its bounds is an error here and not there.
 */
export function codecOf<T>({ what, maxBytes, write, read }: Layout<T>): Codec<T> {
  const decode = (bytes: Uint8Array): T => {
    const reader = new ByteReader(bytes, what, maxBytes)
    reader.version(WIRE_VERSION)
    const value = read(reader)
    reader.end()
    return value
  }
  const encode = (value: T): Uint8Array => {
    const writer = new ByteWriter().u8(WIRE_VERSION)
    write(value, writer)
    const bytes = writer.finish()
    try {
      decode(bytes)
    } catch (err) {
      // The caller's fault, and not to be taken for that of a peer.
      throw new RangeError(`Not to be sent: ${textOf(err)}`, { cause: err })
    }
    return bytes
  }
  return { encode, decode }
}
