// Uses one package, @gridmesh/verifier: signatures of a block are checked by two workers while timers go on in time, a
// forged one is found, and a call that is too much at once is refused.
// Run: node examples/verifier-alone.ts
import assert from 'node:assert/strict'
import { type SignatureClaim, signerOf } from '@gridmesh/ledger'
import { TooManyClaimsError, workerVerifier } from '@gridmesh/verifier'

const CLAIMS = 4_000

const alice = signerOf(new Uint8Array(32).fill(1))
const claims = Array.from({ length: CLAIMS }, (_, index): SignatureClaim => {
  const message = new TextEncoder().encode(`alice pays, for the ${index}th time`)
  return { publicKey: alice.publicKey, message, signature: alice.sign(message) }
})
const forged = { ...claims[0], message: new TextEncoder().encode('alice pays more') } as SignatureClaim

const verifier = workerVerifier({ threads: 2, maxClaims: CLAIMS + 1 })
let ticks = 0
const timer = setInterval(() => ticks++, 1)
const holds = await verifier.verify([...claims, forged])
clearInterval(timer)
assert.equal(holds.indexOf(false), CLAIMS)
assert.ok(holds.slice(0, CLAIMS).every(Boolean))
assert.ok(ticks > 0)
console.log(`${CLAIMS} signatures hold, the forged one does not, and a timer fired ${ticks} times meanwhile`)

const first = verifier.verify(claims)
await assert.rejects(verifier.verify(claims), TooManyClaimsError)
await first
await verifier.stop()
console.log('twice as many at once were refused')
