import type { Patience } from './patience.ts'

/** One law of a contract as a test, for any runner: `it(name, run)`. */
export interface ConformanceCase {
  /** What holds, in words. */
  readonly name: string
  /** Resolves where it holds; rejects, mostly with an `AssertionError`, where it does not. */
  readonly run: () => Promise<void>
}

/** What a harness makes for one case, and takes down after it. */
export interface World {
  stop(): Promise<void> | void
}

/** A case in a world of its own, which is stopped whatever comes of the case. */
export function lawIn<W extends World>(
  patience: Patience,
  create: () => Promise<W> | W,
  name: string,
  check: (world: W) => Promise<void> | void,
): ConformanceCase {
  const run = async (): Promise<void> => {
    const world = await patience.within('create of the harness', create())
    try {
      await check(world)
    } catch (err) {
      // What the case found matters more than what stopping may say after it.
      await Promise.allSettled([patience.within('stop of the harness', world.stop())])
      throw err
    }
    await patience.within('stop of the harness', world.stop())
  }
  return { name, run }
}
