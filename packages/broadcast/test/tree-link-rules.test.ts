import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { TREE_CHILD_MS, TREE_PARENT_MS, TREE_ROOT_MS, TREE_UNDER_WAY_MS } from '../src/constants.ts'
import { TreeLinks } from '../src/tree-links.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Links of a node that hears the root, the author `m`, by `a`. */
function hearing(): TreeLinks {
  const links = new TreeLinks()
  links.first('a', 'm')
  return links
}

it('prunes who brings the root late, or else who was the first, but neither its parent nor a child', () => {
  const links = hearing()
  expect(links.copy({ from: 'b', first: 'a', origin: 'm' })).toBe('b')
  expect(links.isEager('b')).toBe(false)
  expect(links.copy({ from: 'a', first: 'c', origin: 'm' })).toBe('c')
  expect(links.copy({ from: 'd', first: 'e', origin: 'm' })).toBe('d')
  expect(links.copy({ from: 'a', first: undefined, origin: 'm' })).toBeUndefined()
  links.adopt('f')
  expect(links.copy({ from: 'f', first: 'a', origin: 'm' })).toBeUndefined()
  expect(links.isEager('a') && links.isEager('f')).toBe(true)
})

it('takes the author with the lowest id for the root, and prunes for no other', () => {
  const links = hearing()
  links.first('b', 'n')
  expect(links.parent).toBe('a')
  expect(links.copy({ from: 'b', first: 'a', origin: 'n' })).toBeUndefined()
  links.first('b', 'l')
  expect(links.parent).toBe('b')
  expect(links.copy({ from: 'c', first: 'b', origin: 'm' })).toBeUndefined()
})

it('hears another root once the one it has was silent for 5 s, and not sooner', () => {
  const links = hearing()
  vi.advanceTimersByTime(TREE_ROOT_MS - 1)
  links.first('b', 'n')
  expect(links.parent).toBe('a')
  // Any copy of the root is word of it.
  links.copy({ from: 'a', first: undefined, origin: 'm' })
  vi.advanceTimersByTime(TREE_ROOT_MS - 1)
  links.first('b', 'n')
  expect(links.parent).toBe('a')
  vi.advanceTimersByTime(1)
  links.first('b', 'n')
  expect(links.parent).toBe('b')
})

it('keeps its parent while that was the first of late, and not while it was not for 10 s', () => {
  const links = hearing()
  const hear = (from: string, afterMs: number): string | undefined => {
    for (let waitMs = afterMs; waitMs > 0; waitMs -= 1_000) {
      vi.advanceTimersByTime(Math.min(waitMs, 1_000))
      links.copy({ from: 'a', first: undefined, origin: 'm' })
    }
    links.first(from, 'm')
    return links.parent
  }
  expect(hear('a', TREE_PARENT_MS - 1)).toBe('a')
  expect(hear('b', TREE_PARENT_MS - 1)).toBe('a')
  expect(hear('b', 1)).toBe('b')
})

it('has no parent where it is the root itself, or where the first came by a link that was pruned', () => {
  const links = hearing()
  links.first(undefined, 'l')
  expect(links.parent).toBeUndefined()
  links.prune('b')
  links.first('b', 'k')
  expect(links.parent).toBeUndefined()
  expect(links.isEager('b')).toBe(false)
})

it('takes a pruned link for one again that brings what is new 5 s later, and not sooner', () => {
  const links = hearing()
  links.prune('b')
  vi.advanceTimersByTime(TREE_UNDER_WAY_MS - 1)
  links.first('b', 'm')
  expect(links.isEager('b')).toBe(false)
  vi.advanceTimersByTime(1)
  links.first('b', 'm')
  expect(links.isEager('b')).toBe(true)

  links.copy({ from: 'c', first: 'a', origin: 'm' })
  vi.advanceTimersByTime(TREE_UNDER_WAY_MS - 1)
  links.copy({ from: 'c', first: 'a', origin: 'm' })
  vi.advanceTimersByTime(1)
  links.first('c', 'm')
  expect(links.isEager('c')).toBe(false)
})

it('lets who is no parent be pruned until either grafts the link, and a child stay one for 15 s or until it prunes', () => {
  const links = hearing()
  expect(links.prune('a')).toBe(false)
  expect(links.isEager('a')).toBe(true)
  const isPruned = (peer: string): boolean => links.copy({ from: peer, first: 'a', origin: 'm' }) === peer
  expect(links.prune('b')).toBe(true)
  expect(links.isEager('b')).toBe(false)
  links.graft('b')
  expect(links.isEager('b')).toBe(true)

  links.prune('b')
  links.adopt('b')
  expect(links.isEager('b')).toBe(true)
  expect(isPruned('b')).toBe(false)
  links.prune('b')
  links.graft('b')
  expect(isPruned('b')).toBe(true)

  links.adopt('c')
  links.first('a', 'k')
  const copy = { from: 'c', first: 'a', origin: 'k' }
  vi.advanceTimersByTime(TREE_CHILD_MS - 1)
  expect(links.copy(copy)).toBeUndefined()
  vi.advanceTimersByTime(1)
  expect(links.copy(copy)).toBe('c')
})

it('forgets what it believed of a neighbour that went, and of no other', () => {
  const links = hearing()
  for (const peer of ['b', 'c']) {
    links.prune(peer)
    links.adopt(`child ${peer}`)
  }
  links.keep(new Set(['a', 'c', 'child c']))
  expect(links.parent).toBe('a')
  expect(['b', 'c'].map((peer) => links.isEager(peer))).toEqual([true, false])
  expect(links.copy({ from: 'child c', first: 'a', origin: 'm' })).toBeUndefined()
  expect(links.copy({ from: 'child b', first: 'a', origin: 'm' })).toBe('child b')
  links.keep(new Set())
  expect(links.parent).toBeUndefined()
})
