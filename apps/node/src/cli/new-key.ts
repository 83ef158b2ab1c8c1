import { dirname } from 'node:path'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { fileProblem } from '../errors.ts'
import { createIdentity } from '../identity.ts'
import { makeDirectory } from '../make-directory.ts'

/** Makes a key file, and the directories on the way to it. @throws {UnusableFileError} when it exists or cannot be written */
export async function newKey(file: string): Promise<Ed25519PrivateKey> {
  await makeDirectory(dirname(file)).catch((cause: unknown) => {
    throw fileProblem('directory', dirname(file), cause)
  })
  return createIdentity(file)
}
