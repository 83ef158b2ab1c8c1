import type { ChainTip } from '@gridmesh/interfaces'
import { Side } from '../side.ts'

/** A node in another process. */
export class ChainPeer {
  /** Of the socket on which it answers. */
  readonly path: string
  readonly #side: Side

  private constructor(side: Side, path: string) {
    this.path = path
    this.#side = side
  }

  static async start(directory: string, path: string, every: number): Promise<ChainPeer> {
    const script = new URL('../sides/chain-peer.ts', import.meta.url)
    return new ChainPeer(await Side.start(script, [directory, path, String(every)]), path)
  }

  /** Imports the blocks of a file, as many waiting behind the one under way as told. */
  async import(file: string, ahead: number): Promise<void> {
    await this.#side.call('import', file, ahead)
  }

  /** Imports one block of a file each so many ms, from now on. */
  async grow(file: string, everyMs: number): Promise<void> {
    await this.#side.call('grow', file, everyMs)
  }

  /** Makes all pieces of its state ready to be given; bytes of them. */
  async prepare(pieces: number): Promise<number> {
    return this.#side.call<number>('prepare', pieces)
  }

  async head(): Promise<ChainTip> {
    return this.#side.call<ChainTip>('head')
  }

  async stop(): Promise<void> {
    await this.#side.stop()
  }
}
