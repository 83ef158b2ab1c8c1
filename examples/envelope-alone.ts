// Uses one package, @gridmesh/envelope, as a service of libp2p nodes: what alice seals, anybody may carry; bob opens it
// once, knows that she wrote it, and refuses copies, changes, and envelopes of other chains. No network is needed.
// Run: node examples/envelope-alone.ts
import assert from 'node:assert/strict'
import { envelope } from '@gridmesh/envelope'
import { createLibp2p } from 'libp2p'

const create = (chainId: string) => createLibp2p({ services: { envelope: envelope({ chainId }) } })
const [alice, bob, elsewhere] = await Promise.all([create('demo'), create('demo'), create('other')])

const payload = new TextEncoder().encode(JSON.stringify({ kilowattHours: 7, from: 'noon' }))
const bytes = await alice.services.envelope.seal({ kind: 'energy-offer', lane: 'normal', payload })
console.log(`${payload.length} bytes of payload are ${bytes.length} bytes sealed`)

const opened = await bob.services.envelope.open(bytes)
console.log(`${opened.sender.toString()} wrote ${opened.kind} number ${opened.sequence}:`)
console.log(new TextDecoder().decode(opened.payload))
assert.ok(opened.sender.equals(alice.peerId))
assert.deepEqual(new Uint8Array(opened.payload), payload)

/** The code with which an envelope is refused. */
const refusal = async (open: () => unknown): Promise<string> => {
  try {
    await open()
  } catch (err) {
    if (err instanceof Error && 'code' in err) return String(err.code)
    throw err
  }
  return 'opened'
}

const second = await alice.services.envelope.seal({ kind: 'energy-offer', lane: 'normal', payload })
const changed = second.slice()
changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1

const codes = {
  copy: await refusal(() => bob.services.envelope.open(bytes)),
  changed: await refusal(() => bob.services.envelope.open(changed)),
  'of another chain': await refusal(() => elsewhere.services.envelope.open(second)),
}
for (const [what, code] of Object.entries(codes)) console.log(`${what}: ${code}`)
assert.deepEqual(codes, { copy: 'replay', changed: 'invalid-signature', 'of another chain': 'wrong-chain' })

// Who changed it on the way has not spoiled the true one.
assert.equal(await refusal(() => bob.services.envelope.open(second)), 'opened')

await Promise.all([alice.stop(), bob.stop(), elsewhere.stop()])
