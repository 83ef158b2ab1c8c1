import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SigningFile } from '../../../../apps/node/src/chain/signing-file.ts'
import { BlockFileReader } from '../../../../apps/node/src/cli/block-file.ts'
import { goldenJson, pick } from '../golden.ts'
import { assertRefusal, Finding, type Outcome, type Target } from '../target.ts'

const LENGTH_BYTES = 4
const HEAD_BYTES = 42

/** Has a file of `bytes` checked, which goes with the check. */
async function withFile(bytes: Uint8Array, check: (path: string) => Promise<Outcome>): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'gridmesh-fuzz-'))
  try {
    const path = join(directory, 'file')
    await writeFile(path, bytes)
    return await check(path)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** The content of a signing record; its checksum is put before it, or nothing but the checksum would ever be tried. */
function signingContent(text: string, state: string): Uint8Array {
  const json = Buffer.from(text)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.byteLength)
  return Buffer.concat([length, json, Buffer.from(state)])
}

async function checkSigning(path: string): Promise<Outcome> {
  const record = new SigningFile(path)
  let state: Uint8Array | undefined
  try {
    state = await record.load()
  } catch (err) {
    assertRefusal(err, ['CorruptRecordError'])
    return 'refused'
  }
  const slot = { height: 2 ** 40, name: 'fuzz' }
  await record.forgetBelow(2 ** 40)
  await record.save(slot, state ?? new Uint8Array())
  const again = new SigningFile(path)
  const isSame = Buffer.compare((await again.load()) ?? new Uint8Array(), state ?? new Uint8Array()) === 0
  if (isSame && (await again.has(slot))) return 'read'
  throw new Finding('what was read and saved is read as something else')
}

/** What is read of a file of blocks is, together, the file. */
async function checkBlocks(path: string, bytes: Uint8Array): Promise<Outcome> {
  const parts: Uint8Array[] = [bytes.subarray(0, HEAD_BYTES)]
  let reader: BlockFileReader
  try {
    reader = await BlockFileReader.open(path)
  } catch (err) {
    assertRefusal(err, ['UnusableFileError'])
    return 'refused'
  }
  try {
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) {
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt32BE(block.byteLength)
      parts.push(length, block)
    }
  } catch (err) {
    assertRefusal(err, ['BlockFileError'])
    return 'refused'
  } finally {
    await reader.close()
  }
  if (Buffer.compare(Buffer.concat(parts), bytes) === 0) return 'read'
  throw new Finding('the blocks of a file are not what the file is')
}

const [block = new Uint8Array()] = pick(goldenJson('key-value-chain'), 'block')
const length = Buffer.alloc(LENGTH_BYTES)
length.writeUInt32BE(block.byteLength)
const HEAD = Buffer.concat([Buffer.from('GMBLOCKS'), Buffer.from([0, 1]), Buffer.alloc(32, 5)])

export const FILES: readonly Target[] = [
  {
    name: 'signing-record',
    seeds: [
      signingContent('{"version":1,"floor":3,"slots":[[3,"propose"],[4,"vote"]]}', 'state'),
      signingContent('{"version":1,"floor":0,"slots":[]}', ''),
    ],
    check: (content) => withFile(Buffer.concat([createHash('sha256').update(content).digest(), content]), checkSigning),
  },
  {
    name: 'block-file',
    seeds: [HEAD, Buffer.concat([HEAD, length, block, length, block])],
    check: (bytes) => withFile(bytes, (path) => checkBlocks(path, bytes)),
  },
]
