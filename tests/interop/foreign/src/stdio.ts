import { createInterface } from 'node:readline'
import type { ForeignEvent, ForeignInit, ForeignPeer } from './peer.ts'

/** One line to a foreign peer. */
export interface Ask {
  id: number
  method: keyof ForeignPeer
  ask: object
}

/** One line back, beside the events. */
export type Answer = { id: number; result: unknown } | { id: number; error: string }

/** How this process was asked to be. */
export function readInit(): ForeignInit {
  return JSON.parse(process.argv[2] ?? '{}') as ForeignInit
}

/** Tells the process that started us something. */
export function tell(line: ForeignEvent | Answer): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Does what stdin asks, line by line, until it ends or asks to stop. After that only the peer could keep us alive. */
export async function serve(peer: ForeignPeer): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, ask } = JSON.parse(line) as Ask
    // Not awaited: a dial that hangs must not keep us from being stopped.
    const answer = act(peer, method, ask).then(
      (result) => tell({ id, result }),
      (err: unknown) => tell({ id, error: err instanceof Error ? `${err.name}: ${err.message}` : String(err) }),
    )
    if (method !== 'stop') continue
    await answer
    process.stdin.destroy()
    return
  }
  // Whoever started us is gone.
  await peer.stop({})
}

async function act(peer: ForeignPeer, method: keyof ForeignPeer, ask: object): Promise<unknown> {
  return (peer[method] as (ask: object) => unknown)(ask)
}
