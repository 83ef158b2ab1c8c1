import { once } from 'node:events'
import { connect } from 'node:net'
import type { GridmeshNode } from '@gridmesh/node'
import { AbortError, type Stream } from '@libp2p/interface'
import { oldestOf } from './sampler.ts'
import { openEcho } from './streams.ts'

/** What `array` leaks at once: 1 MiB of numbers. */
const ARRAY_LENGTH = 131_072
/** What `kept-stream` leaks at once. */
const KEPT_STREAMS = 16
/** Longest delay of a timer, in ms. */
const NEVER_MS = 2_147_483_647

/** What is not to be forgotten. */
const kept: unknown[] = []

/** Leaks to prove the gate with, by name: each call leaks once. */
export const LEAKS = {
  /** A stream that nobody closes. */
  stream: async (node) => void (await openStream(node)),
  /** Streams that are closed and not forgotten. */
  'kept-stream': async (node) => {
    for (let count = 0; count < KEPT_STREAMS; count++) {
      const stream = await openStream(node)
      stream?.abort(new AbortError())
      kept.push(stream)
    }
  },
  timer: () => void setTimeout(() => {}, NEVER_MS),
  listener: ({ libp2p }) => libp2p.addEventListener('peer:connect', () => kept.length),
  array: () => void kept.push(Array.from({ length: ARRAY_LENGTH }, (_, index) => index + 0.5)),
  socket: async ({ apiPort }) => {
    const socket = connect(apiPort, '127.0.0.1')
    await once(socket, 'connect')
  },
} as const satisfies Record<string, (node: GridmeshNode) => unknown>

/** Name of a leak. */
export type LeakName = keyof typeof LEAKS

async function openStream({ libp2p }: GridmeshNode): Promise<Stream | undefined> {
  const oldest = oldestOf(libp2p.getConnections())
  return oldest === undefined ? undefined : openEcho(oldest)
}
