import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Side } from '../side.ts'
import { readBlocks } from './block-file.ts'
import { ChainAt, type ChainAtInit } from './chain-at.ts'
import { ChainPeer } from './chain-peer.ts'

/** How long those who only verify do so, in ms. */
const VERIFY_MS = 1_500

/** Directories, a process that makes blocks, and two that only verify: all of it gone at the end. */
export class Workshop {
  readonly #directory = mkdtempSync(join(tmpdir(), 'gridmesh-chain-'))
  readonly #chains: ChainAt[] = []
  readonly #verifiers: Side[] = []
  readonly #producers: Side[] = []
  readonly #followers: Side[] = []
  readonly #peers: ChainPeer[] = []
  #made = 0

  /** The rate of two processes that check signatures and do nothing else, per second. */
  async verifyRate(): Promise<number> {
    while (this.#verifiers.length < 2) {
      this.#verifiers.push(await Side.start(new URL('../sides/router-verify.ts', import.meta.url)))
    }
    const rates = await Promise.all(this.#verifiers.map((side) => side.call<number>('verify', VERIFY_MS)))
    return rates.reduce((sum, rate) => sum + rate, 0)
  }

  /** A process that makes a chain from genesis on. */
  async producer(): Promise<BlockMaker> {
    const side = await Side.start(new URL('../sides/chain-producer.ts', import.meta.url))
    this.#producers.push(side)
    return new BlockMaker(side, () => this.#path('blocks'))
  }

  async open(init: Omit<ChainAtInit, 'directory'>): Promise<ChainAt> {
    const chain = await ChainAt.open({ ...init, directory: this.#path('chain') })
    this.#chains.push(chain)
    return chain
  }

  /** A node in a process of its own, which gives its chain to others; it makes a checkpoint each so many blocks. */
  async peer(every = 0): Promise<ChainPeer> {
    const peer = await ChainPeer.start(this.#path('chain'), this.#path('peer'), every)
    this.#peers.push(peer)
    return peer
  }

  /** A node in a process of its own that has nothing yet; its garbage is collected before it is measured. */
  async follower(threads: number, maxQueuedBytes: number): Promise<Side> {
    const script = new URL('../sides/chain-follower.ts', import.meta.url)
    const args = [this.#path('chain'), String(threads), String(maxQueuedBytes)]
    const side = await Side.start(script, args, ['--expose-gc'])
    this.#followers.push(side)
    return side
  }

  async close(chain: ChainAt): Promise<void> {
    this.#chains.splice(this.#chains.indexOf(chain), 1)
    await chain.close()
  }

  async end(): Promise<void> {
    for (const chain of this.#chains.splice(0)) await chain.close()
    for (const each of [...this.#verifiers, ...this.#producers, ...this.#followers, ...this.#peers]) await each.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  #path(what: string): string {
    return join(this.#directory, `${what}-${this.#made++}`)
  }
}

/** Blocks of one chain, made in another process and read from files. */
export class BlockMaker {
  readonly #side: Side
  readonly #path: () => string

  constructor(side: Side, path: () => string) {
    this.#side = side
    this.#path = path
  }

  /** Blocks until there are so many outputs. */
  async split(outputs: number): Promise<Uint8Array[]> {
    return this.#read(await this.splitFile(outputs))
  }

  /** So many blocks of so many payments each. */
  async payments(blocks: number, count: number): Promise<Uint8Array[]> {
    return this.#read(await this.paymentsFile(blocks, count))
  }

  /** The same in a file, for other processes. */
  async splitFile(outputs: number): Promise<string> {
    return this.#write('split', outputs)
  }

  async paymentsFile(blocks: number, count: number): Promise<string> {
    return this.#write('payments', blocks, count)
  }

  /** Of the last block that was made. */
  async height(): Promise<number> {
    return this.#side.call<number>('height')
  }

  async stop(): Promise<void> {
    await this.#side.stop()
  }

  async #write(call: string, ...args: number[]): Promise<string> {
    const path = this.#path()
    await this.#side.call(call, path, ...args)
    return path
  }

  async #read(path: string): Promise<Uint8Array[]> {
    const blocks = await readBlocks(path)
    rmSync(path)
    return blocks
  }
}
