import type { DiscoveryStrategy } from '../../links.ts'

/** A strategy, and the peers for it to find. */
export interface DiscoveryStrategyWorld {
  /** Started, where it needs that. */
  readonly strategy: DiscoveryStrategy
  stop(): Promise<void> | void
}

/** How the suite gets at a strategy, and which of the contract's freedoms that strategy takes. */
export interface DiscoveryStrategyHarness {
  /** Makes a strategy in a world where it finds at least `expected` peers. */
  create(): Promise<DiscoveryStrategyWorld> | DiscoveryStrategyWorld
  /** Peers that the first run must bring. @default 1 */
  expected?: number
  /** Peers that a second run at once after the first must bring. @default as many as the first */
  expectedAgain?: number
  /** Whether every candidate comes with an address. @default true */
  addresses?: boolean
  /** Time that a case waits for what must happen, in ms; the runner needs to allow several times that. @default 10_000 */
  patienceMs?: number
}
