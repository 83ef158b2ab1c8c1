import { readdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { onTestFinished, vi } from 'vitest'

/** What was there when a file or a directory was brought to the disk. */
export interface Sync {
  /** Bytes of the file; `undefined` for a directory. */
  size: number | undefined
  /** What its directory, or it as a directory, held. */
  names: string[]
}

/** Tells from now on what is brought to the disk, while only `directory` is worked on. */
export async function syncsIn(directory: string): Promise<Sync[]> {
  const syncs: Sync[] = []
  await using any = await open(directory, 'r')
  const handles = Object.getPrototypeOf(any) as FileHandle
  const sync = Object.getOwnPropertyDescriptor(handles, 'sync')?.value as FileHandle['sync']
  const spy = vi.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
    const stat = await this.stat()
    syncs.push({ size: stat.isDirectory() ? undefined : stat.size, names: readdirSync(directory) })
    await sync.call(this)
  })
  onTestFinished(() => spy.mockRestore())
  return syncs
}
