import { copyBytes } from '../buffers.ts'
import { HASH_BYTES } from '../constants.ts'
import { sha256Into } from './sha256.ts'
import { LANES, lanesModule, MESSAGES_AT } from './sha256-lanes.ts'

const BLOCK_BYTES = 64
/** The bit behind a message, and its length. */
const PADDING_BYTES = 9
/** Longer messages are hashed one by one: for those the processor's own instructions make up for a call of the library. */
const MAX_BLOCKS = 3
const DIGESTS_AT = MESSAGES_AT
/** Where messages begin, by their number of blocks: four of each. */
const SLOTS_AT = Uint32Array.from({ length: MAX_BLOCKS + 1 }, (_, blocks) => {
  const before = (blocks * (blocks - 1)) / 2
  return DIGESTS_AT + LANES * (HASH_BYTES + before * BLOCK_BYTES)
})
const MEMORY_BYTES = (SLOTS_AT[MAX_BLOCKS] ?? 0) + LANES * MAX_BLOCKS * BLOCK_BYTES

interface Lanes {
  memory: Buffer
  hash: (from: number, stride: number, blocks: number, to: number) => void
}

/** Once somebody hashes; `undefined` on a machine without vectors. */
let lanes: Lanes | undefined | 'not loaded' = 'not loaded'
/** Whose messages lie in the memory that all share. */
const shared: { owner: HashBatch | undefined } = { owner: undefined }

/** SHA-256 of many short messages, four of the same length at a time: what the library takes for a call is saved, too. */
export class HashBatch {
  readonly #target: Buffer
  readonly #lanes: Lanes | undefined
  /** Messages that wait, by their number of blocks, and where their digests go. */
  readonly #counts = new Uint8Array(MAX_BLOCKS + 1)
  readonly #offsets = new Uint32Array((MAX_BLOCKS + 1) * LANES)

  /** Digests go into `target`. Without `withLanes`, or where there are none, each is hashed when it is added. */
  constructor(target: Buffer, withLanes = true) {
    if (lanes === 'not loaded') lanes = loadLanes()
    this.#target = target
    this.#lanes = withLanes ? lanes : undefined
  }

  /** Takes the bytes of `source` from `start` to `end`, whose hash is at `offset` of the target by the end of `finish`. */
  add(offset: number, source: Buffer, start = 0, end = source.byteLength): void {
    const length = end - start
    const blocks = Math.ceil((length + PADDING_BYTES) / BLOCK_BYTES)
    if (this.#lanes === undefined || blocks > MAX_BLOCKS) {
      sha256Into(this.#target, offset, source.subarray(start, end))
      return
    }
    const { owner } = shared
    if (owner !== this && owner !== undefined) owner.#flush()
    shared.owner = this
    const { memory } = this.#lanes
    const count = this.#counts[blocks] ?? 0
    const at = (SLOTS_AT[blocks] ?? 0) + count * blocks * BLOCK_BYTES
    const last = at + blocks * BLOCK_BYTES
    copyBytes(source, start, end, memory, at)
    memory[at + length] = 0x80
    for (let i = at + length + 1; i < last - 4; i++) memory[i] = 0
    memory.writeUInt32BE(length * 8, last - 4)
    this.#offsets[blocks * LANES + count] = offset
    this.#counts[blocks] = count + 1
    if (count + 1 === LANES) this.#run(blocks, this.#lanes)
  }

  /** Hashes what waits. */
  finish(): void {
    if (shared.owner !== this) return
    this.#flush()
    shared.owner = undefined
  }

  #flush(): void {
    for (let blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
      if (this.#lanes !== undefined && this.#counts[blocks] !== 0) this.#run(blocks, this.#lanes)
    }
  }

  /** Hashes those of so many blocks; what lies in lanes that are not taken is hashed for nothing. */
  #run(blocks: number, { memory, hash }: Lanes): void {
    hash(SLOTS_AT[blocks] ?? 0, blocks * BLOCK_BYTES, blocks, DIGESTS_AT)
    const count = this.#counts[blocks] ?? 0
    for (let lane = 0; lane < count; lane++) {
      const digest = DIGESTS_AT + lane * HASH_BYTES
      copyBytes(memory, digest, digest + HASH_BYTES, this.#target, this.#offsets[blocks * LANES + lane] ?? 0)
    }
    this.#counts[blocks] = 0
  }
}

function loadLanes(): Lanes | undefined {
  const bytes = lanesModule(MEMORY_BYTES)
  if (!WebAssembly.validate(bytes)) return undefined
  const { memory, hash } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  if (!(memory instanceof WebAssembly.Memory) || typeof hash !== 'function') return undefined
  return {
    memory: Buffer.from(memory.buffer),
    hash: (from, stride, blocks, to) => void hash(from, stride, blocks, to),
  }
}
