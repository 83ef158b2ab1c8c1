import type { Fetched, Job } from './fetcher.ts'
import type { SyncOptions } from './options.ts'
import type { PeerRecord } from './peer-table.ts'
import type { ChainReader, HeaderFacts, SyncRequests } from './ports.ts'

/** A block that came, and from whom. */
export interface ArrivedBlock {
  facts: HeaderFacts
  bytes: Uint8Array
  peer: PeerRecord
}

interface BlockRangeInit {
  requests: SyncRequests
  reader: ChainReader
  options: SyncOptions
  /** Has all of them, as far as its headers tell, whatever height it claims. */
  source: PeerRecord
}

/** Some blocks of a branch whose headers are known, in the order in which they are needed. */
export class BlockRange implements Job {
  readonly what = 'get-blocks'
  readonly attempts: Job['attempts'] = new Map()
  readonly absent: Job['absent'] = new Set()
  /** Whether nothing was taken of it. */
  isFresh = true
  readonly #init: BlockRangeInit
  /** Those that were not taken. */
  #facts: HeaderFacts[]
  /** The blocks of the first of these. */
  readonly #arrived: ArrivedBlock[] = []
  #heldBytes = 0

  constructor(init: BlockRangeInit, facts: readonly HeaderFacts[]) {
    this.#init = init
    this.#facts = [...facts]
  }

  /** Those that were not taken. */
  get facts(): readonly HeaderFacts[] {
    return this.#facts
  }

  get length(): number {
    return this.#facts.length
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get isWhole(): boolean {
    return this.#arrived.length === this.#facts.length
  }

  /** The next block, if it came. */
  first(): ArrivedBlock | undefined {
    return this.#arrived[0]
  }

  /** Those after it that came, at most so many. */
  following(max: number): readonly ArrivedBlock[] {
    return this.#arrived.slice(1, 1 + max)
  }

  /** Lets go of the next block. */
  shift(): void {
    const block = this.#arrived.shift()
    if (block === undefined) return
    this.#facts.shift()
    this.isFresh = false
    this.#heldBytes -= block.bytes.byteLength
  }

  /** Leaves out what is above a height: the branch goes on otherwise. */
  cutAbove(height: number): void {
    this.#facts = this.#facts.filter((facts) => facts.height <= height)
    while (this.#arrived.length > this.#facts.length) {
      this.#heldBytes -= this.#arrived.pop()?.bytes.byteLength ?? 0
    }
  }

  suits(peer: PeerRecord): boolean {
    const top = Math.max(this.#facts[0]?.height ?? 0, this.#facts.at(-1)?.height ?? 0)
    return peer === this.#init.source || peer.claim.tip.height >= top
  }

  async fetch(peer: PeerRecord, signal: AbortSignal): Promise<Fetched> {
    const { requests, options } = this.#init
    const asked = this.#facts.slice(this.#arrived.length)
    const hashes = asked.map(({ hash }) => hash)
    const maxBytes = Math.min(options.maxAnswerBytes, peer.answers.bytes)
    const askedAtMs = performance.now()
    const { blocks } = await requests.blocks(peer.id, { hashes, maxBytes }, { signal })
    if (blocks.length > asked.length) {
      return { offence: 'too-many-blocks', message: `${blocks.length} blocks, where ${asked.length} were asked for` }
    }
    const bytes = blocks.map((block) => block?.byteLength ?? 0)
    const longest = Math.max(0, ...bytes)
    const sum = bytes.reduce((a, b) => a + b, 0)
    peer.answers.took(sum, performance.now() - askedAtMs)
    if (longest > options.maxBlockBytes || sum > options.maxAnswerBytes) {
      const message = `${sum} bytes, the longest block ${longest}, of ${options.maxAnswerBytes} and ${options.maxBlockBytes}`
      return { offence: 'too-many-bytes', message }
    }
    return await this.#take(peer, asked, blocks, signal)
  }

  /** Takes over the blocks up to the first that the peer does not have. */
  async #take(
    peer: PeerRecord,
    asked: readonly HeaderFacts[],
    blocks: readonly (Uint8Array | undefined)[],
    signal: AbortSignal,
  ): Promise<Fetched> {
    let count = 0
    for (const facts of asked) {
      const bytes = blocks[count]
      if (bytes === undefined) break
      const found = await this.#read(bytes)
      // The peer was given up, or nobody needs it any more.
      if (signal.aborted) break
      if (found === undefined) return { offence: 'malformed-block', message: `what came for ${facts.hash} is no block` }
      if (found.hash !== facts.hash) {
        return { offence: 'wrong-block', message: `block ${found.hash} came, where ${facts.hash} was asked for` }
      }
      // Meanwhile it may have been cut off, or somebody else may have brought it.
      if (this.#facts[this.#arrived.length] === facts) {
        this.#arrived.push({ facts, bytes, peer })
        this.#heldBytes += bytes.byteLength
      }
      count++
    }
    return { count }
  }

  async #read(bytes: Uint8Array): Promise<HeaderFacts | undefined> {
    try {
      return await this.#init.reader.block(bytes)
    } catch {
      return undefined
    }
  }
}
