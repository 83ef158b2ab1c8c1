import { closeSync, openSync, readSync } from 'node:fs'
import { ConfigFileError } from './errors.ts'

/**
 * Reads a file of settings, never more than `maxBytes` and one.
 *
 * @throws {ConfigFileError}
 */
export function readText(path: string, maxBytes: number): string {
  let bytes: Uint8Array
  try {
    bytes = readAtMost(path, maxBytes + 1)
  } catch (err) {
    throw new ConfigFileError('file-unreadable', path, reasonOf(err), { cause: err })
  }
  checkSize(path, bytes.byteLength, maxBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (err) {
    throw new ConfigFileError('file-not-utf8', path, 'it is not UTF-8 text', { cause: err })
  }
}

/** @throws {ConfigFileError} when a text is above the limit */
export function checkSize(path: string, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new ConfigFileError('file-too-large', path, `it is larger than ${maxBytes} bytes`)
}

function readAtMost(path: string, maxBytes: number): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const buffer = new Uint8Array(maxBytes)
    let length = 0
    for (;;) {
      // The size that the file system tells is 0 for a pipe, so the file is read until it ends or is too long.
      const count = length < maxBytes ? readSync(file, buffer, length, maxBytes - length, null) : 0
      if (count === 0) return buffer.subarray(0, length)
      length += count
    }
  } finally {
    closeSync(file)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'part of the path is not a directory',
}

function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err)
  const code = 'code' in err && typeof err.code === 'string' ? err.code : ''
  return REASONS[code] ?? err.message
}
