import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, ForeignEvent, ForeignInit, ForeignPeer } from '@gridmesh-internal/foreign'

/** A foreign peer that there is: its program, and how it is started. */
export interface ForeignKind extends ForeignInit {
  name: string
  program: 'libp2p-2' | 'libp2p-3'
}

/** Every foreign peer that we must be able to speak with. */
export const FOREIGN_KINDS: readonly ForeignKind[] = [
  { name: 'libp2p 2 over Noise', program: 'libp2p-2', encryption: 'noise' },
  { name: 'libp2p 3 over Noise', program: 'libp2p-3', encryption: 'noise' },
  { name: 'libp2p 3 over TLS', program: 'libp2p-3', encryption: 'tls' },
]

/** One of each generation, where the secure channel makes no difference. */
export const GENERATIONS = FOREIGN_KINDS.filter(({ encryption }) => encryption === 'noise')

type Method = keyof ForeignPeer
type Result<M extends Method> = Awaited<ReturnType<ForeignPeer[M]>>
type EventOf<E extends ForeignEvent['event']> = Extract<ForeignEvent, { event: E }>

/** A foreign peer in a process of its own, so that no class or type of its libp2p meets ours. */
export class ForeignProcess {
  readonly #child: ChildProcess
  readonly #exit: Promise<number | null>
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #events: ForeignEvent[] = []
  readonly #ready: PromiseWithResolvers<EventOf<'ready'>> = Promise.withResolvers()
  #asks = 0
  #errors = ''
  #ended: ForeignError | undefined

  private constructor({ program, ...init }: Omit<ForeignKind, 'name'>) {
    const main = fileURLToPath(new URL(`../${program}/src/main.ts`, import.meta.url))
    this.#child = spawn(process.execPath, [main, JSON.stringify(init)], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr?.on('data', (chunk) => (this.#errors += String(chunk)))
    this.#exit = once(this.#child, 'close').then(([code]: (number | null)[]) => this.#end(code ?? null))
    if (this.#child.stdout === null) throw new TypeError('the process has no stdout')
    createInterface({ input: this.#child.stdout }).on('line', (line) =>
      this.#take(JSON.parse(line) as ForeignEvent | Answer),
    )
  }

  /** Starts one, and resolves when it listens. */
  static async start(kind: Omit<ForeignKind, 'name'>): Promise<ForeignProcess> {
    const foreign = new ForeignProcess(kind)
    await foreign.#ready.promise
    return foreign
  }

  /** Its peer id and address, once it has started. */
  get self(): Promise<EventOf<'ready'>> {
    return this.#ready.promise
  }

  /** What it has told of itself so far, of one kind, oldest first. */
  told<E extends ForeignEvent['event']>(event: E): EventOf<E>[] {
    return this.#events.filter((told) => told.event === event) as EventOf<E>[]
  }

  /** Asks for something. Rejects with what the process says went wrong, or when it ends or has ended. */
  ask<M extends Method>(method: M, ask: Parameters<ForeignPeer[M]>[0]): Promise<Result<M>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const asked = Promise.withResolvers<unknown>()
    this.#asks += 1
    this.#asked.set(this.#asks, asked)
    this.#child.stdin?.write(`${JSON.stringify({ id: this.#asks, method, ask })}\n`)
    return asked.promise as Promise<Result<M>>
  }

  /** Stops it as its user would. Resolves with its exit code and all that it complained of. */
  async stop(): Promise<{ code: number | null; errors: string }> {
    await this.ask('stop', {})
    return { code: await this.#exit, errors: this.#errors }
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  #take(line: ForeignEvent | Answer): void {
    if ('event' in line) {
      this.#events.push(line)
      if (line.event === 'ready') this.#ready.resolve(line)
      return
    }
    const asked = this.#asked.get(line.id)
    this.#asked.delete(line.id)
    if ('error' in line) asked?.reject(new ForeignError(line.error))
    else asked?.resolve(line.result)
  }

  #end(code: number | null): number | null {
    this.#ended = new ForeignError(`the process ended with ${code}: ${this.#errors}`)
    this.#ready.reject(this.#ended)
    for (const asked of this.#asked.values()) asked.reject(this.#ended)
    return code
  }
}

/** A foreign peer could not do what it was asked to; the message begins with the name of its own error. */
class ForeignError extends Error {
  override readonly name = 'ForeignError'
}
