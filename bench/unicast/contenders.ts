import { peerScript } from '../peers/install.ts'
import { Side } from '../side.ts'

/** Whose requests are measured, by the name that the figures bear. */
export const CONTENDERS = {
  unicast: { script: () => side('unicast'), args: ['noise'] },
  'bare framed stream over @libp2p/noise': { script: () => side('bare'), args: ['kept', 'libp2p-noise'] },
  'bare framed stream over our Noise': { script: () => side('bare'), args: ['kept', 'noise'] },
  'a libp2p stream per request': { script: () => side('bare'), args: ['each', 'libp2p-noise'] },
  '@lodestar/reqresp': { script: () => peerScript('lodestar', 'side.mjs'), args: [] },
  'hyperdht + protomux': { script: () => peerScript('hyperdht', 'side.mjs'), args: [] },
  'ws, not encrypted': { script: () => peerScript('ws', 'side.mjs'), args: [] },
  'TCP, not encrypted': { script: () => side('tcp'), args: [] },
} as const

export type ContenderName = keyof typeof CONTENDERS

/** The names, in the order in which they take turns. */
export const NAMES = Object.keys(CONTENDERS) as ContenderName[]

/** One side that asks, and the sides in which the peers live that answer. */
export class Team {
  readonly asker: Side
  readonly #answerers: readonly Side[]

  private constructor(asker: Side, answerers: readonly Side[]) {
    this.asker = asker
    this.#answerers = answerers
  }

  /** Connects one asker with `peers` peers, which live in `processes` processes. */
  static async start(name: ContenderName, peers: number, processes: number): Promise<Team> {
    const { script, args } = CONTENDERS[name]
    const sides: Side[] = []
    try {
      for (let i = 0; i <= processes; i++) sides.push(await Side.start(script(), args))
      const [asker, ...answerers] = sides as [Side, ...Side[]]
      for (const answerer of answerers) {
        await asker.call('connect', await answerer.call('listen', peers / processes))
      }
      return new Team(asker, answerers)
    } catch (err) {
      await Promise.all(sides.map((each) => each.stop()))
      throw err
    }
  }

  /** Processor time of all sides so far, in ms. */
  async cpuMs(): Promise<number> {
    const all = await Promise.all([this.asker, ...this.#answerers].map((each) => each.call<number>('cpuMs')))
    return all.reduce((sum, ms) => sum + ms, 0)
  }

  async stop(): Promise<void> {
    await Promise.all([this.asker, ...this.#answerers].map((each) => each.stop()))
  }
}

function side(name: string): URL {
  return new URL(`../sides/${name}.ts`, import.meta.url)
}
