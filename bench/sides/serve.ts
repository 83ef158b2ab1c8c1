// The part of a benchmark that runs in a process of its own: it offers calls, and `../side.ts` makes them.
import type { Answer, Call } from '../side.ts'

/** What a side offers by name. Arguments and results are JSON; `stop` is called when the benchmark is done with it. */
export type Calls = Record<string, (...args: never[]) => unknown>

/** Offers `calls` to the process that started this one, until it lets go. */
export function serve(calls: Calls): void {
  const all: Calls = { cpuMs, memory: () => process.memoryUsage(), ...calls }
  process.on('message', ({ id, name, args }: Call) => void answer(all, id, name, args))
  process.on('disconnect', () => {
    void Promise.resolve(calls['stop']?.()).finally(() => process.exit())
  })
  tell({ id: 0, value: 'ready' })
}

async function answer(calls: Calls, id: number, name: string, args: unknown[]): Promise<void> {
  try {
    const call = calls[name]
    if (call === undefined) throw new ReferenceError(`This side has no call ${name}`)
    tell({ id, value: await call(...(args as never[])) })
  } catch (err) {
    tell({ id, error: err instanceof Error ? (err.stack ?? err.message) : String(err) })
  }
}

/** A parent that is gone hears nothing; the side stops when the channel closes. */
function tell(message: Answer): void {
  process.send?.(message, () => {})
}

/** Processor time of this process so far, in ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
