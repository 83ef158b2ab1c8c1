import { join } from 'node:path'
import { LevelDatastore } from 'datastore-level'
import { UnusableFileError, fileProblem } from './errors.ts'

/** Opens what libp2p and the modules keep in a data directory. @throws {UnusableFileError} naming who is in the way */
export async function openDatastore(dataDir: string): Promise<LevelDatastore> {
  const path = join(dataDir, 'datastore')
  const datastore = new LevelDatastore(path)
  try {
    // Opened here: the datastore would leave out the cause, which alone says that the lock is held. As it does it.
    await datastore.db.open({ createIfMissing: true, compression: false })
    await datastore.open()
    return datastore
  } catch (err) {
    const cause = err instanceof Error && err.cause !== undefined ? err.cause : err
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      throw new UnusableFileError('data directory', dataDir, 'another node is using it', { cause })
    }
    throw fileProblem('data directory', path, cause)
  }
}
