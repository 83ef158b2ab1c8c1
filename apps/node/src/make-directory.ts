import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a directory that its owner alone can enter, and those on the way to it; one that is there stays as it is. Not by
 * the `recursive` of `mkdir`, which tries for ever where a parent is there and has no room for more, as /proc.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeOne(path)
  } catch (err) {
    if (codeOf(err) !== 'ENOENT' || dirname(path) === path) throw err
    await makeDirectory(dirname(path))
    await makeOne(path)
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (err) {
    if (codeOf(err) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw err
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
