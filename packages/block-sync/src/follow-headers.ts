import type { ChainTip } from '@gridmesh/interfaces'
import { askPeer } from './ask-peer.ts'
import type { Branch } from './branch-run.ts'
import { confirm, hashAt } from './confirm.ts'
import { checkHeaders, type LinkedHeaders } from './header-check.ts'
import { callChain } from './importer.ts'
import { chainLocator, joinLocators } from './locator.ts'
import type { HeadersAnswer } from './messages.ts'

/** Places of the headers ahead in a locator. */
const MAX_PLACES = 12
/** Answers with less than was asked for and is claimed; after so many the peer is asked no more. */
const MAX_SHORT = 3

/** Takes over the headers of a branch's source for as long as there are any. @throws {ChainFailedError} */
export async function followHeaders(branch: Branch): Promise<void> {
  const { context, source, queue, signal } = branch
  const { headersPerRequest, maxHeadersAhead } = context.options
  const places = await callChain(context, 'headers', (inner) =>
    chainLocator(context.chain, context.reader, { signal: inner }),
  )
  let short = 0
  while (!signal.aborted) {
    if (queue.length + headersPerRequest > maxHeadersAhead) {
      await branch.wake.wait()
      continue
    }
    if (!source.isUsable) return branch.endHeaders('failed', 'it is not there any more')
    const locator = joinLocators(queue.places(MAX_PLACES), places)
    const answer = await askHeaders(branch, locator)
    if (signal.aborted) return
    if (answer === undefined) continue
    if (answer.status === 'no-common') return await judgeStranger(branch, locator)
    const { lie, linked } = checkHeaders(answer, { limit: headersPerRequest, after: locator }, context.reader)
    if (lie !== undefined) return branch.lied(lie)
    if (linked.ancestor !== undefined && !(await takeOver(branch, linked, linked.ancestor, answer.headers))) return
    const height = queue.tail?.height ?? 0
    if (linked.facts.length > 0 && height >= branch.claim) return branch.endHeaders('complete', '')
    if (linked.facts.length === 0) return endShort(branch, height)
    short = linked.facts.length < headersPerRequest ? short + 1 : 0
    if (short === MAX_SHORT) return endShort(branch, height)
  }
}

function endShort(branch: Branch, height: number): void {
  const { claim } = branch
  if (height >= claim) return branch.endHeaders('complete', '')
  branch.endHeaders('short', `it has no headers beyond ${height}, and claims ${claim}`)
}

async function askHeaders(branch: Branch, locator: readonly ChainTip[]): Promise<HeadersAnswer | undefined> {
  const { context, source, signal } = branch
  const request = { locator, limit: context.options.headersPerRequest }
  const call = (inner: AbortSignal) => context.requests.headers(source.id, request, { signal: inner })
  branch.askedMs = performance.now()
  const answer = await askPeer(context, source, 'get-headers', call, signal)
  branch.askedMs = undefined
  if (source.isReported) branch.finish('lied', 'it was reported')
  return answer
}

/** A peer has nothing of our chain: it forks below what is final, or has no headers from so long ago. */
async function judgeStranger(branch: Branch, locator: readonly ChainTip[]): Promise<void> {
  const { context, source, signal } = branch
  const final = context.chain.finalised()
  const hash = locator.some(({ height }) => height === final.height)
    ? await hashAt(context, source, final.height, signal)
    : undefined
  if (signal.aborted) return
  if (hash !== undefined && hash !== final.hash) {
    return branch.lied({
      offence: 'forks-below-finality',
      message: `block ${final.height} is ${hash}, not ${final.hash}`,
    })
  }
  branch.endHeaders('short', 'it has no block of our chain')
}

/** Takes over headers that follow a place of ours. Says whether there may be more. */
async function takeOver(
  branch: Branch,
  { facts }: LinkedHeaders,
  ancestor: ChainTip,
  headers: readonly Uint8Array[],
): Promise<boolean> {
  const { context, queue, signal } = branch
  const last = facts.at(-1)
  if (last === undefined) return true
  const isNext = queue.tail?.hash === ancestor.hash
  if (!isNext) branch.forksAt(ancestor)
  const lie = contradiction(branch, facts)
  if (lie !== undefined) {
    branch.lied(lie)
    return false
  }
  const { reader } = context
  const refusal = await callChain(context, 'judge', (inner) => reader.judge?.(headers, { signal: inner }))
  if (refusal !== undefined) {
    branch.lied({ offence: 'invalid-header', message: `${refusal.code}: ${refusal.message}` })
    return false
  }
  // What forks off goes in the place of blocks of ours: others should have it too.
  const isFork = !isNext && ancestor.height < context.chain.tip().height
  if (isFork && branch.hasOther()) {
    const { confirmed, dissenting, isEnough } = await confirm(context, last, [branch.source], signal)
    if (!isEnough && branch.hasOther()) {
      branch.finish('unconfirmed', `${confirmed} have block ${last.height}, ${dissenting} have another`)
    }
  }
  if (signal.aborted) return false
  branch.fetch(queue.extend(ancestor, facts))
  return true
}

/** What headers say that is known to be false. */
function contradiction(
  branch: Branch,
  facts: LinkedHeaders['facts'],
): { offence: 'contradicts-finality' | 'forks-below-finality' | 'invalid-block'; message: string } | undefined {
  const { chain, fast, refused } = branch.context
  const [final, proven] = [chain.finalised(), fast?.finality()]
  for (const { height, hash } of facts) {
    if (height === final.height && hash !== final.hash) {
      return { offence: 'forks-below-finality', message: `block ${height} is ${hash}, not ${final.hash}` }
    }
    if (height === proven?.height) {
      if (hash !== proven.hash) {
        return { offence: 'contradicts-finality', message: `block ${height} is ${hash}, not ${proven.hash}` }
      }
      branch.foundFinal(proven)
    }
    if (refused.has(hash)) return { offence: 'invalid-block', message: `block ${height} (${hash}) was refused` }
  }
  return undefined
}
