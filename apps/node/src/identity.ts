import { open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { UnusableFileError, fileProblem } from './errors.ts'

const IDENTITY_FILE = 'identity.key'

/** Where the identity of a data directory lives. */
export function identityPath(dataDir: string): string {
  return join(dataDir, IDENTITY_FILE)
}

/**
 * Makes a new identity and writes it, readable by its owner only: one line, base64 of libp2p's private key protobuf.
 * @throws {UnusableFileError} when the file exists or cannot be written
 */
export async function createIdentity(path: string): Promise<Ed25519PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  let isMade = false
  try {
    // wx: an existing key is never overwritten, whatever asked for it.
    await using file = await open(path, 'wx', 0o600)
    isMade = true
    await file.writeFile(`${Buffer.from(privateKeyToProtobuf(key)).toString('base64')}\n`)
    await file.sync()
  } catch (cause) {
    // On a full disk it is there without a key in it, and would be taken for one that is broken.
    if (isMade) await rm(path, { force: true })
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') {
      throw new UnusableFileError('key file', path, 'there is a file already, and it is never overwritten', { cause })
    }
    throw fileProblem('key file', path, cause)
  }
  return key
}

/** Reads an identity. @throws {UnusableFileError} when it is missing, broken, or readable by others */
export async function readIdentity(path: string): Promise<Ed25519PrivateKey> {
  let text: string
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8)
      throw new UnusableFileError('key file', path, `others can read it (mode ${shown}); run: chmod 600 ${path}`)
    }
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw cause instanceof UnusableFileError ? cause : fileProblem('key file', path, cause)
  }
  try {
    const key = privateKeyFromProtobuf(Buffer.from(text.trim(), 'base64'))
    if (key.type === 'Ed25519') return key
  } catch {
    // The cause is left out on purpose: a decoder's message may quote what it read.
  }
  throw new UnusableFileError('key file', path, 'it holds no ed25519 key; restore it from a backup, or remove it')
}

/** Reads the identity of a data directory, or makes it on the first start. @throws {UnusableFileError} */
export async function loadIdentity(dataDir: string): Promise<Ed25519PrivateKey> {
  return loadKey(identityPath(dataDir))
}

/** Reads a key file, or makes it where there is none. @throws {UnusableFileError} */
export async function loadKey(path: string): Promise<Ed25519PrivateKey> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  )
  return exists ? readIdentity(path) : createIdentity(path)
}
