import { createHash } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CorruptRecordError, type SigningRecord, type SigningSlot } from '@gridmesh/consensus'
import { z } from 'zod'

const HASH_BYTES = 32
const LENGTH_BYTES = 4
const height = z.int().min(0)
const schema = z.strictObject({
  version: z.literal(1),
  floor: height,
  slots: z.array(z.tuple([height, z.string()])),
})

interface Memory {
  /** Slots below it are forgotten, and so count as signed. */
  floor: number
  slots: readonly (readonly [height: number, name: string])[]
  state: Uint8Array | undefined
}

/**
 * What an authority signed, in one file that is written anew each time, and put in the place of the old one when it is on
 * the disk: so slot and state are both there or neither. A database would keep the same few kilobytes, and a lock, and a
 * log that may lose its end.
 *
 * SHA-256 over the rest, length of a JSON text as u32, the text, the state.
 */
export class SigningFile implements SigningRecord {
  readonly #path: string
  #memory: Memory | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** @throws {CorruptRecordError} */
  async load(): Promise<Uint8Array | undefined> {
    return (await this.#read()).state
  }

  async has({ height: at, name }: SigningSlot): Promise<boolean> {
    const { floor, slots } = await this.#read()
    return at < floor || slots.some(([held, other]) => held === at && other === name)
  }

  async save(slot: SigningSlot, state: Uint8Array): Promise<void> {
    const done = this.#writing.then(async () => this.#write(slot, state))
    this.#writing = done.catch(() => undefined)
    return done
  }

  /** Comes to the disk with what is saved next: until then a restart finds the slots themselves, which say the same. */
  async forgetBelow(floor: number): Promise<void> {
    const memory = await this.#read()
    this.#memory = above(Math.max(memory.floor, floor), memory)
  }

  async #write(slot: SigningSlot, state: Uint8Array): Promise<void> {
    const { floor, slots } = await this.#read()
    const memory = { floor, slots: [...slots, [slot.height, slot.name] as const], state: Uint8Array.from(state) }
    await replace(this.#path, encode(memory))
    // What came in between can only have raised the floor.
    this.#memory = above(this.#memory?.floor ?? floor, memory)
  }

  async #read(): Promise<Memory> {
    this.#memory ??= await readMemory(this.#path)
    return this.#memory
  }
}

function above(floor: number, { slots, state }: Memory): Memory {
  return { floor, slots: slots.filter(([at]) => at >= floor), state }
}

function encode({ floor, slots, state = new Uint8Array() }: Memory): Uint8Array {
  const text = Buffer.from(JSON.stringify({ version: 1, floor, slots }))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(text.byteLength)
  const content = Buffer.concat([length, text, state])
  return Buffer.concat([createHash('sha256').update(content).digest(), content])
}

async function readMemory(path: string): Promise<Memory> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      return { floor: 0, slots: [], state: undefined }
    }
    throw new CorruptRecordError(`${path} cannot be read`, { cause })
  }
  const content = bytes.subarray(HASH_BYTES)
  if (!createHash('sha256').update(content).digest().equals(bytes.subarray(0, HASH_BYTES))) {
    throw new CorruptRecordError(`the checksum of ${path} does not hold`)
  }
  try {
    const end = LENGTH_BYTES + content.readUInt32BE()
    const { floor, slots } = schema.parse(JSON.parse(content.toString('utf8', LENGTH_BYTES, end)))
    return { floor, slots, state: content.subarray(end) }
  } catch (cause) {
    throw new CorruptRecordError(`${path} is none of this version`, { cause })
  }
}

/** Puts a file in the place of another, at once and durably, readable by its owner alone. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const next = `${path}.next`
  {
    await using file = await open(next, 'w', 0o600)
    await file.writeFile(bytes)
    await file.sync()
  }
  await rename(next, path)
  // Without it the rename itself may be lost. Windows has no such thing.
  if (process.platform === 'win32') return
  await using directory = await open(dirname(path), 'r')
  await directory.sync()
}
