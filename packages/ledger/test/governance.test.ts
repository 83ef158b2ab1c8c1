import { beforeEach, expect, it } from 'vitest'
import {
  type Action,
  authorities,
  authorityList,
  authorityRegister,
  authorityRevoke,
  MAX_AUTHORITIES,
  MAX_TEXT_BYTES,
  proposal,
  proposals,
  registerAction,
  revokeAction,
  signerOf,
  signTransaction,
  toHex,
  vote,
} from '../src/index.ts'
import { addresses, ALICE, at, BOB, CAROL, DAN, ERIN, people, TestChain } from './helpers.ts'

let chain: TestChain
beforeEach(() => {
  chain = new TestChain()
})

const authorityOf = (who: number): { publicKey: Uint8Array; zones: number[] } => ({
  publicKey: at(people, who).publicKey,
  zones: [2],
})

/** Proposes as `who` and has the block applied; gives back how to name the proposal. */
function propose(who: number, action: Action, closesAtHeight = 100): { proposer: Uint8Array; proposal: Uint8Array } {
  const made = chain.sign(who, proposal, { text: 'why', action, closesAtHeight })
  expect(chain.add(made)).toEqual([])
  return { proposer: at(addresses, who), proposal: made.id }
}

function cast(who: number, ref: ReturnType<typeof propose>, isApproval = true): string[] {
  return chain.add(chain.sign(who, vote, { ...ref, isApproval }))
}

const register = (ref: ReturnType<typeof propose>, who: number = DAN, sender: number = ALICE): string[] =>
  chain.add(chain.sign(sender, authorityRegister, { ...ref, authority: authorityOf(who) }))
const revoke = (ref: ReturnType<typeof propose>, who: number): string[] =>
  chain.add(chain.sign(ALICE, authorityRevoke, { ...ref, revoked: at(addresses, who) }))

/** Proposes and carries out a revocation. */
function decide(who: number, voters: number[]): string[] {
  const ref = propose(ALICE, revokeAction(at(addresses, who)))
  for (const voter of voters) expect(cast(voter, ref)).toEqual([])
  return revoke(ref, who)
}

it('registers an authority when more than two thirds approve, and not when two thirds do', () => {
  const ref = propose(ALICE, registerAction(authorityOf(DAN)))
  expect(cast(ALICE, ref)).toEqual([])
  expect(cast(BOB, ref)).toEqual([])
  expect(register(ref)).toEqual(['not-passed'])
  expect(cast(CAROL, ref)).toEqual([])
  expect(register(ref, DAN, CAROL)).toEqual([])
  expect(toHex(authorities.get(chain.view, at(addresses, DAN))?.publicKey ?? new Uint8Array(0))).toBe(
    toHex(authorityOf(DAN).publicKey),
  )
  expect(authorities.get(chain.view, at(addresses, DAN))?.zones).toEqual([2])
  expect(authorityList.get(chain.view)?.length).toBe(4)
  // It is carried out once.
  expect(register(ref, ERIN)).toEqual(['unknown-proposal'])
})

it('does not count those who vote against', () => {
  const ref = propose(ALICE, registerAction(authorityOf(DAN)))
  for (const who of [ALICE, BOB]) expect(cast(who, ref)).toEqual([])
  expect(cast(CAROL, ref, false)).toEqual([])
  expect(register(ref)).toEqual(['not-passed'])
  expect(cast(CAROL, ref)).toEqual(['already-voted'])
})

it('revokes an authority, whose proposal goes and whose votes no longer count', () => {
  const ofBob = propose(BOB, registerAction(authorityOf(ERIN)))
  const ref = propose(ALICE, revokeAction(at(addresses, BOB)))
  const opinion = propose(CAROL, registerAction(authorityOf(DAN)))
  for (const who of [ALICE, BOB, CAROL]) expect(cast(who, ref)).toEqual([])
  expect(cast(BOB, opinion)).toEqual([])
  expect(cast(ALICE, opinion)).toEqual([])
  expect(revoke(ref, BOB)).toEqual([])
  expect(authorities.has(chain.view, at(addresses, BOB))).toBe(false)
  expect(cast(ALICE, ofBob)).toEqual(['unknown-proposal'])
  expect(cast(BOB, opinion)).toEqual(['not-authority'])
  // Of two authorities both have to approve.
  expect(register(opinion)).toEqual(['not-passed'])
  expect(cast(CAROL, opinion)).toEqual([])
  expect(proposals.get(chain.view, at(addresses, CAROL))?.votes.length).toBe(2)
  expect(register(opinion)).toEqual([])
})

it('carries out what was decided, to the byte, and nothing else', () => {
  const ref = propose(ALICE, registerAction(authorityOf(DAN)))
  for (const who of [ALICE, BOB, CAROL]) cast(who, ref)
  expect(register(ref, ERIN)).toEqual(['wrong-action'])
  expect(revoke(ref, BOB)).toEqual(['wrong-action'])
  expect(register(ref, BOB)).toEqual(['already-authority'])
  expect(revoke(ref, ERIN)).toEqual(['unknown-authority'])
  expect(register(ref, DAN, ERIN)).toEqual(['not-authority'])
})

it('carries out no opinion, whatever its bytes say', () => {
  const ref = propose(ALICE, { ...registerAction(authorityOf(DAN)), kindCode: 0 })
  for (const who of [ALICE, BOB, CAROL]) expect(cast(who, ref)).toEqual([])
  expect(register(ref)).toEqual(['wrong-action'])
})

it('goes on with an authority whose address comes before those that were there', () => {
  const ref = propose(ALICE, registerAction(authorityOf(ERIN)))
  for (const who of [ALICE, BOB, CAROL]) expect(cast(who, ref)).toEqual([])
  expect(register(ref, ERIN)).toEqual([])
  const inOrder = [ALICE, BOB, ERIN, CAROL].map((who) => toHex(at(addresses, who)))
  expect(authorityList.get(chain.view)?.map(toHex)).toEqual(inOrder)
  propose(ERIN, registerAction(authorityOf(DAN)))
})

it('takes a 256th authority, and no 257th', () => {
  const authority = at(people, ALICE)
  const others = Array.from({ length: MAX_AUTHORITIES - 2 }, (_, i) =>
    signerOf(new Uint8Array(32).fill(0x64).fill(i, 1)),
  )
  const keys = [authority, ...others].map(({ publicKey }) => `  - { publicKey: ${toHex(publicKey)} }`)
  chain = new TestChain(
    ['name: crowded', 'time: 2026-01-01T00:00:00Z', 'zones: [{ zone: 2, name: a }]', 'authorities:', ...keys].join(
      '\n',
    ),
  )
  const ref = propose(ALICE, registerAction(authorityOf(DAN)))
  const votes = others
    .slice(0, 171)
    .map((signer) => signTransaction(vote, { ...ref, isApproval: true }, { chainId: chain.chainId, signer, nonce: 0 }))
  expect(chain.add(...votes)).toEqual([])
  expect(register(ref)).toEqual([])
  expect(authorityList.get(chain.view)).toHaveLength(MAX_AUTHORITIES)
  expect(register(propose(ALICE, registerAction(authorityOf(ERIN))), ERIN)).toEqual(['too-many-authorities'])
})

it('closes a proposal after its last block', () => {
  const ref = propose(ALICE, registerAction(authorityOf(DAN)), 3)
  expect(cast(ALICE, ref)).toEqual([])
  expect(cast(BOB, ref)).toEqual([])
  expect(chain.tip.height).toBe(3)
  expect(cast(CAROL, ref)).toEqual(['proposal-closed'])
  expect(register(ref)).toEqual(['proposal-closed'])
  const late = chain.sign(ALICE, proposal, { text: '', action: registerAction(authorityOf(DAN)), closesAtHeight: 6 })
  expect(chain.tip.height).toBe(5)
  expect(chain.add(late)).toEqual(['proposal-closed'])
})

it('holds one proposal an authority: a new one takes the place of that before', () => {
  const first = propose(ALICE, registerAction(authorityOf(DAN)))
  const second = propose(ALICE, registerAction(authorityOf(ERIN)))
  expect(cast(BOB, first)).toEqual(['unknown-proposal'])
  expect(cast(BOB, second)).toEqual([])
})

it('asks authorities only', () => {
  const body = { text: '', action: registerAction(authorityOf(DAN)), closesAtHeight: 9 }
  expect(chain.add(chain.sign(DAN, proposal, body))).toEqual(['not-authority'])
  const ref = propose(ALICE, body.action)
  expect(cast(DAN, ref)).toEqual(['not-authority'])
})

it('keeps the last authority', () => {
  expect(decide(BOB, [ALICE, BOB, CAROL])).toEqual([])
  expect(decide(CAROL, [ALICE, CAROL])).toEqual([])
  expect(decide(ALICE, [ALICE])).toEqual(['last-authority'])
})

it('takes a text of 1,024 bytes, and not one more', () => {
  const action = { kindCode: 0, bytes: new Uint8Array(0) }
  const sign = (length: number): unknown =>
    chain.sign(ALICE, proposal, { text: 'x'.repeat(length), action, closesAtHeight: 9 })
  expect(() => sign(MAX_TEXT_BYTES)).not.toThrow()
  expect(() => sign(MAX_TEXT_BYTES + 1)).toThrow(expect.objectContaining({ code: 'oversize' }))
})
