import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What is asked of a side, and what it answers; `id` 0 is "ready". */
export interface Call {
  id: number
  name: string
  args: unknown[]
}
export interface Answer {
  id: number
  value?: unknown
  error?: string
}

interface Asked {
  resolve: (value: unknown) => void
  reject: (err: Error) => void
}

/** Time that a side has to start, and to end, in ms. */
const DEADLINE_MS = 60_000

/** One process of a benchmark, which offers calls by `serve()`. */
export class Side {
  readonly #child: ChildProcess
  readonly #asked = new Map<number, Asked>()
  #lastId = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, value, error }: Answer) => {
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (error === undefined) asked?.resolve(value)
      else asked?.reject(new SideError(error))
    })
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#asked.values()) reject(new SideError(`It ended by ${signal ?? `code ${code}`}`))
      this.#asked.clear()
    })
  }

  /** Starts `script` with `args`, and waits until it serves. `execArgv` are flags for Node.js. */
  static async start(script: URL, args: readonly string[] = [], execArgv: readonly string[] = []): Promise<Side> {
    const child = fork(fileURLToPath(script), args, {
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'json',
    })
    const side = new Side(child)
    await new Promise<unknown>((resolve, reject) => {
      const late = setTimeout(() => reject(new SideError(`It was not ready after ${DEADLINE_MS} ms`)), DEADLINE_MS)
      side.#asked.set(0, { resolve, reject })
      child.once('message', () => clearTimeout(late))
    })
    return side
  }

  /** Calls `name` on the side. @throws {SideError} when it fails there, or the side ends */
  async call<Result = void>(name: string, ...args: unknown[]): Promise<Result> {
    const id = ++this.#lastId
    return new Promise<Result>((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#child.send({ id, name, args } satisfies Call, (err) => {
        if (err !== null && err !== undefined) reject(new SideError(err.message))
      })
    })
  }

  /** Stops it where it stands, so that it takes nothing from others until `thaw`. Nothing is to be asked meanwhile. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** Lets the side stop, and ends it when it does not. */
  async stop(): Promise<void> {
    this.thaw()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), DEADLINE_MS)
    if (this.#child.connected) this.#child.disconnect()
    await ended
    clearTimeout(late)
  }
}

/** A call failed in the process of the side, or that process ended. */
export class SideError extends Error {
  static override readonly name = 'SideError'
  override readonly name = 'SideError'
  readonly code = 'side-failed'
}
