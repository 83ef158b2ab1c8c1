import { join } from 'node:path'
import { BlockStore } from '@gridmesh/block-store'
import { fileProblem } from '../errors.ts'
import { makeDirectory } from '../make-directory.ts'
import type { EnergyChainInit } from './init.ts'
import { ownerIndex } from './owner-index.ts'

/** Opens the store of a chain, where it says. @throws {TypeError} @throws {UnusableFileError} @throws what `BlockStore.open` throws */
export async function openStore(init: EnergyChainInit): Promise<BlockStore> {
  const { directory, store } = init
  if ((directory === undefined) === (store === undefined)) {
    throw new TypeError('a chain has either a directory or a store')
  }
  const blockStore = { ...init.blockStore, ...(init.ownerIndex === true && { index: ownerIndex }) }
  if (store !== undefined) return BlockStore.over(store, blockStore)
  const path = directory ?? ''
  await makeDirectory(path).catch((cause: unknown) => {
    throw fileProblem('chain directory', path, cause)
  })
  return BlockStore.open(join(path, 'blocks'), blockStore)
}
