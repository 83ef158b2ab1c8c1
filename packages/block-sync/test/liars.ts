import { MalformedMessageError, type Offence } from '../src/index.ts'
import { GENESIS, makeBlocks, type ModelBlock, withBody } from './model-chain.ts'
import type { Behaviour } from './model-net.ts'

/** A way to lie, or to be of no use, over an honest chain. */
export interface Liar {
  behaviour: Behaviour
  /** What it is reported for, where it is asked for what it lies about; nothing can be proven of others. */
  offences: Offence[]
}

const FALSE = makeBlocks(GENESIS, 400, 'false', false)
const FOREIGN = makeBlocks(GENESIS, 400, 'foreign')
const junk = (length: number): Uint8Array => new Uint8Array(length).fill(255)
const claimMore =
  (height: number): Behaviour['tip'] =>
  (honest) => ({ height: honest.height + height, hash: 'ffff' })

/** Endless headers upon whatever it is asked for, none of which has a block. */
function endless(): Behaviour {
  const made = new Map<string, ModelBlock>()
  return {
    tip: (honest) => ({ height: honest.height + 1_000_000, hash: 'ffff' }),
    headers: ({ locator, limit }) => {
      const [from] = locator ?? []
      if (from === undefined) return { status: 'found', headers: [] }
      const before = made.get(from.hash) ?? { ...GENESIS, ...from }
      const blocks = makeBlocks(before, limit, 'endless', false)
      for (const block of blocks.slice(-1)) made.set(block.hash, block)
      return { status: 'found', headers: blocks.map(({ header }) => header) }
    },
    blocks: ({ hashes }) => ({ blocks: hashes.map(() => undefined) }),
  }
}

/** By name. Each of them has, or claims, more than everybody else. */
export const LIARS: Readonly<Record<string, Liar>> = {
  'malformed headers': {
    behaviour: { tip: claimMore(50), headers: () => ({ status: 'found', headers: [junk(20)] }) },
    offences: ['malformed-header'],
  },
  'an answer that is none': {
    behaviour: {
      tip: claimMore(50),
      headers: () => {
        throw new MalformedMessageError('truncated', 'headers', 'nothing')
      },
    },
    offences: ['malformed-answer'],
  },
  'too many headers': {
    behaviour: {
      tip: claimMore(50),
      headers: ({ limit }) => ({
        status: 'found',
        headers: makeBlocks(GENESIS, limit + 1, 'many').map(({ header }) => header),
      }),
    },
    offences: ['too-many-headers'],
  },
  'headers out of order': {
    behaviour: {
      tip: claimMore(50),
      headers: (_, honest) =>
        honest.status === 'found' && honest.headers.length > 1
          ? { status: 'found', headers: honest.headers.toReversed() }
          : { status: 'found', headers: [FOREIGN[5]?.header ?? junk(1)] },
    },
    offences: ['unlinked-headers', 'wrong-header', 'contradicts-finality', 'forks-below-finality'],
  },
  'headers twice': {
    behaviour: {
      tip: claimMore(50),
      headers: (_, honest) =>
        honest.status === 'found'
          ? { status: 'found', headers: honest.headers.flatMap((header) => [header, header]).slice(0, 2) }
          : honest,
    },
    offences: ['unlinked-headers', 'too-many-headers'],
  },
  'headers of another chain': {
    behaviour: {
      tip: claimMore(50),
      headers: ({ limit }) => ({
        status: 'found',
        headers: makeBlocks({ ...GENESIS, hash: 'abcd' }, Math.min(limit, 5), 'other').map(({ header }) => header),
      }),
    },
    offences: ['unlinked-headers', 'wrong-header'],
  },
  'a false branch': {
    behaviour: {
      tip: () => ({ height: 400, hash: FALSE.at(-1)?.hash ?? '' }),
      headers: ({ height, limit }) => ({
        status: 'found',
        headers: FALSE.slice(height === undefined ? 0 : height - 1)
          .slice(0, limit)
          .map(({ header }) => header),
      }),
      blocks: ({ hashes }) => ({
        blocks: hashes.map((hash) => FALSE.find((block) => block.hash === hash)?.bytes).slice(0, 5),
      }),
    },
    offences: ['invalid-block', 'unlinked-headers'],
  },
  'endless headers': { behaviour: endless(), offences: [] },
  'a tip that is never reached': { behaviour: { tip: claimMore(1_000_000) }, offences: [] },
  'withheld blocks': {
    behaviour: { tip: claimMore(0), blocks: ({ hashes }) => ({ blocks: hashes.map(() => undefined) }) },
    offences: [],
  },
  'blocks that never come': { behaviour: { blocks: () => new Promise(() => {}) }, offences: [] },
  'other blocks': {
    behaviour: { blocks: ({ hashes }) => ({ blocks: hashes.map((_, i) => FOREIGN[i]?.bytes).slice(0, 3) }) },
    offences: ['wrong-block'],
  },
  'malformed blocks': {
    behaviour: { blocks: () => ({ blocks: [junk(40)] }) },
    offences: ['malformed-block'],
  },
  'other bodies': {
    behaviour: {
      blocks: ({ hashes }, { blocks }) => ({
        blocks: blocks.map((bytes, i) =>
          bytes === undefined
            ? undefined
            : withBody({ ...GENESIS, header: headerOf(bytes), hash: hashes[i] ?? '' }, 'x'),
        ),
      }),
    },
    offences: ['malformed-block'],
  },
  'too many blocks': {
    behaviour: { blocks: ({ hashes }, { blocks }) => ({ blocks: [...blocks, ...hashes.map(() => junk(4))] }) },
    offences: ['too-many-blocks'],
  },
  'blocks that are too long': {
    behaviour: { blocks: () => ({ blocks: [junk(2_000_000)] }) },
    offences: ['too-many-bytes'],
  },
  silence: { behaviour: { delayMs: Infinity, tip: claimMore(10) }, offences: [] },
  'a slow drip': {
    behaviour: {
      delayMs: 9_000,
      tip: claimMore(10),
      headers: (_, honest) =>
        honest.status === 'found' ? { status: 'found', headers: honest.headers.slice(0, 1) } : honest,
      blocks: (_, { blocks }) => ({ blocks: blocks.slice(0, 1) }),
    },
    offences: [],
  },
  'a chain of its own below ours': {
    behaviour: {
      tip: claimMore(50),
      headers: ({ locator, height, limit }) =>
        locator === undefined
          ? { status: 'found', headers: FOREIGN.slice(height - 1, height - 1 + limit).map(({ header }) => header) }
          : { status: 'no-common' },
    },
    offences: ['forks-below-finality'],
  },
}

function headerOf(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes)
  return new Uint8Array(buffer.subarray(2, 2 + buffer.readUInt16BE(0)))
}
