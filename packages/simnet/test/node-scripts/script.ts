import { setTimeout as promisedTimeout } from 'node:timers/promises'

type Log = (...seen: unknown[]) => void

/** Something done with what Node.js gives, told as what was seen of it; the times in it are short, since they are real once. */
export interface NodeScript {
  readonly name: string
  run(log: Log): void | Promise<void>
}

/** The name and code of what a function throws or rejects with. */
export async function refusal(fn: () => unknown): Promise<string> {
  try {
    await fn()
    return 'accepted'
  } catch (err) {
    const { name, code = '' } = err as Error & { code?: string | number }
    return `${name} ${code}`
  }
}

/** Longer than every timer of a script: what is due before it has fired when it fires. */
const LATER_MS = 20

export async function later(): Promise<void> {
  await promisedTimeout(LATER_MS)
}

/** Runs a script and tells what it logged. */
export async function observe(script: NodeScript): Promise<string[]> {
  const lines: string[] = []
  await script.run((...seen) => lines.push(seen.map(String).join(' ')))
  return lines
}
