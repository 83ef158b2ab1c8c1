// Uses one package, @gridmesh/mempool, with a chain of its own: keys and values, changed by signed, numbered operations.
// One comes too early and waits, a forged one is refused, a block takes what applies, a revert gives it back, and a
// restart finds all of it in the log.
// Run: node examples/mempool-alone.ts
import assert from 'node:assert/strict'
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { type Candidate, Mempool, type MempoolChain, type MempoolLog, type PoolTransaction } from '@gridmesh/mempool'

interface Operation {
  /** SPKI of the sender, base64. */
  sender: string
  nonce: number
  set: Record<string, string | null>
}
interface Signed extends PoolTransaction {
  operation: Operation
  signature: Buffer
}

const SIGNATURE_BYTES = 64

/** A key-value chain: all that the pool has to know of it is what the numbers of senders are. */
class KeyValueChain implements MempoolChain<Signed> {
  readonly values = new Map<string, string>()
  readonly nonces = new Map<string, number>()

  decode(bytes: Uint8Array): Signed {
    const text = Buffer.from(bytes.subarray(SIGNATURE_BYTES)).toString()
    const operation = JSON.parse(text) as Operation
    if (JSON.stringify(operation) !== text) throw new SyntaxError('not the one encoding of an operation')
    const { sender, nonce } = operation
    const id = createHash('sha256').update(bytes).digest('hex')
    const signature = Buffer.from(bytes.subarray(0, SIGNATURE_BYTES))
    return { id, sender, nonce, bytes, size: bytes.length, lane: 'normal', spends: [], makes: [], operation, signature }
  }

  screen({ operation: { set } }: Signed): { code: string; message: string } | undefined {
    return Object.keys(set).length > 0 ? undefined : { code: 'no-change', message: 'it sets and deletes nothing' }
  }

  verify(transactions: readonly Signed[]): boolean[] {
    return transactions.map(({ sender, bytes, signature }) => {
      const key = createPublicKey({ key: Buffer.from(sender, 'base64'), format: 'der', type: 'spki' })
      return verify(null, bytes.subarray(SIGNATURE_BYTES), key, signature)
    })
  }

  look(candidates: readonly Candidate<Signed>[]) {
    return candidates.map(({ transaction: { sender } }) => ({ keys: [], nextNonce: this.nonces.get(sender) ?? 0 }))
  }

  apply(block: readonly Signed[]): () => void {
    const before = [new Map(this.nonces), new Map(this.values)] as const
    for (const { operation, sender, nonce = 0 } of block) {
      assert.equal(nonce, this.nonces.get(sender) ?? 0)
      this.nonces.set(sender, nonce + 1)
      for (const [key, value] of Object.entries(operation.set)) {
        if (value === null) this.values.delete(key)
        else this.values.set(key, value)
      }
    }
    return () => {
      for (const [name, rows] of [
        ['nonces', before[0]],
        ['values', before[1]],
      ] as const) {
        this[name].clear()
        for (const [key, value] of rows) this[name].set(key, value as never)
      }
    }
  }
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const operate = (nonce: number, set: Operation['set'], key: KeyObject = privateKey): Uint8Array => {
  const sender = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const body = Buffer.from(JSON.stringify({ sender, nonce, set }))
  return Buffer.concat([sign(null, body, key), body])
}

let records: Uint8Array[] = []
const log: MempoolLog = {
  read: () => records,
  append: (more) => void records.push(...more),
  rewrite: (all) => void (records = [...all]),
}
const chain = new KeyValueChain()
const pool = new Mempool({ chain, log })
pool.addEventListener('transaction:removed', ({ detail: { transaction, reason } }) => {
  console.log(`operation ${transaction.nonce} is not held any more: ${reason}`)
})
await pool.start()

const offer = async (bytes: Uint8Array): Promise<string> => {
  const result = await pool.add(bytes)
  await pool.whenIdle()
  return result.status === 'refused' ? `${result.code} (${result.message.slice(0, 60)})` : result.status
}
console.log('operation 1:', await offer(operate(1, { lamp: null })))
console.log('operation 0:', await offer(operate(0, { lamp: 'on', door: 'shut' })))
console.log('another operation 0:', await offer(operate(0, { lamp: 'off' })))
const stranger = generateKeyPairSync('ed25519').privateKey
console.log('a forged operation 2:', await offer(operate(2, { door: 'open' }, stranger)))
console.log('an empty operation 2:', await offer(operate(2, {})))
console.log('operation 2:', await offer(operate(2, { bell: 'ring' })))

const block = pool.take(100_000, 2)
const undo = chain.apply(block)
pool.onBlock(block)
assert.deepEqual([...chain.values], [['door', 'shut']])
console.log(`a block has ${block.length} operations, ${pool.stats().transactions} is left`)

undo()
pool.onRevert(block)
console.log(
  `reverted: ${pool
    .take(100_000, 100)
    .map((one) => one.nonce)
    .join(', ')} may come into the next block`,
)
await pool.stop()

const next = new Mempool({ chain, log: { ...log, read: () => [new Uint8Array(40), ...records] } })
const report = await next.start()
console.log(`after a restart ${report.added} are there, and ${report.corrupt} torn record was left out`)
assert.deepEqual(next.take(100_000, 100), pool.take(100_000, 100))
await next.stop()
