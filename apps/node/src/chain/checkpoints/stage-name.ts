import type { BlockStore } from '@gridmesh/block-store'

const HASH_BYTES = 32
const HEIGHT_BYTES = 6

/** Names a state under way: hash and height of its block, and the number of its parts. */
export function stageName({ height, hash, pieces }: { height: number; hash: Uint8Array; pieces: number }): Uint8Array {
  const name = Buffer.alloc(HASH_BYTES + HEIGHT_BYTES + 4)
  name.set(hash)
  name.writeUIntBE(height, HASH_BYTES, HEIGHT_BYTES)
  name.writeUInt32BE(pieces, HASH_BYTES + HEIGHT_BYTES)
  return name
}

/** Deletes what is left of a state under way that the chain has passed by blocks. */
export async function dropPassed(store: BlockStore, finalised: number): Promise<void> {
  const name = store.staged
  if (name === undefined || Buffer.from(name).readUIntBE(HASH_BYTES, HEIGHT_BYTES) > finalised) return
  await (await store.stageState(name)).drop()
}
