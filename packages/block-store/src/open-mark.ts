import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file that is there while a store is open, and after an end that nobody had in mind. LevelDB leaves it alone. */
const NAME = 'open'

/** Whether the store was not closed. */
export async function isMarked(path: string): Promise<boolean> {
  return stat(join(path, NAME)).then(
    () => true,
    () => false,
  )
}

/** To be done by who holds the lock. */
export async function mark(path: string): Promise<void> {
  await using file = await open(join(path, NAME), 'w', 0o600)
  await file.sync()
  // That it is there is kept by the directory, which Windows does not let anyone sync.
  if (process.platform === 'win32') return
  await using directory = await open(path)
  await directory.sync()
}

/** Where it fails, the next open looks at what it need not look at. */
export async function unmark(path: string): Promise<void> {
  await rm(join(path, NAME), { force: true }).catch(() => undefined)
}
