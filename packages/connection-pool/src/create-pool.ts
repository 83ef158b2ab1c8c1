import { DefaultConnectionPool } from './connection-pool.ts'
import { Gate } from './gate.ts'
import type { ConnectionPoolInit, ConnectionPoolParts } from './index.ts'
import { resolveOptions } from './options.ts'
import { PoolState } from './pool-state.ts'

/** Builds the state, and the two ends that share it. */
export function createPool(init: ConnectionPoolInit): ConnectionPoolParts {
  const state = new PoolState(resolveOptions(init))
  const gate = new Gate(state)
  let isTaken = false
  return {
    gater: gate.gater(),
    service: (components) => {
      // Two nodes would count each other's connections.
      if (isTaken) throw new TypeError('A connection pool serves one node; create another one for the next')
      isTaken = true
      return new DefaultConnectionPool(components, state, gate)
    },
  }
}
