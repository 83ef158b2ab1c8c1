import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PreparedNode } from '@gridmesh/node'
import { SoakError } from './errors.ts'
import type { FromPeer, Job, Tally, ToPeer } from './messages.ts'

const PROGRAM = fileURLToPath(new URL('peer-process.ts', import.meta.url))
/** Time a node has to start, to do its work or to settle, in ms: many times what a busy machine takes. */
const ANSWER_DEADLINE_MS = 60_000
/** Time a node has to stop in order before it is killed, in ms; its own grace is 30 s. */
const STOP_DEADLINE_MS = 35_000

/** A node of the soak in a process of its own, which can be killed and started again. It does one thing at a time. */
export class PeerNode {
  readonly node: PreparedNode
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #answer = Promise.withResolvers<FromPeer | undefined>()
  #said = ''
  #isReady = false
  #isClosed = false

  /** Node keeps compiled code in the folder `compileCache`: a node that is started again is there sooner. */
  constructor(node: PreparedNode, compileCache: string) {
    this.node = node
    this.#env = { ...process.env, NODE_COMPILE_CACHE: compileCache }
  }

  /** Whether it was started and not ended since. */
  get isUp(): boolean {
    return this.#child !== undefined
  }

  /** Starts the process. Resolves when the node listens. */
  async start(): Promise<void> {
    if (this.#isClosed) throw new SoakError(`${this.node.name} is not to be started any more`)
    const child = fork(PROGRAM, [this.node.config], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
      env: this.#env,
    })
    this.#child = child
    this.#exited = once(child, 'exit')
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000)
    })
    child.on('message', (message: FromPeer) => this.#answer.resolve(message))
    child.on('exit', (code, signal) => {
      const why = `${this.node.name} ended by itself with ${signal ?? code}: ${this.#said.trim()}`
      if (this.#child === child) this.#answer.reject(new SoakError(why))
      else this.#answer.resolve(undefined)
    })
    await this.#ask()
    this.#isReady = this.#child === child
  }

  /** Has the node do a job. `undefined` when it was killed, or stopped, meanwhile. */
  async work(job: Job): Promise<Tally | undefined> {
    // Who is ended between two jobs may be starting again: its next word is that it listens.
    if (!this.#isReady) return undefined
    const answer = await this.#ask({ type: 'work', job })
    return answer?.type === 'done' ? answer.tally : undefined
  }

  /** Resolves when the node is ready with all of these peers. */
  async settle(peers: readonly string[]): Promise<void> {
    await this.#ask({ type: 'settle', with: peers })
  }

  /** Ends the process with `kill -9`. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    this.#isReady = false
    child?.kill('SIGKILL')
    await this.#exited
  }

  /** Stops the node, goodbye included. @throws {SoakError} when something of it did not stop, or it had to be killed */
  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    this.#isReady = false
    if (child === undefined) return
    if (child.connected) child.disconnect()
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await this.#exited.finally(() => clearTimeout(timer))
    if (child.exitCode === 0) return
    const how = child.exitCode === null ? `within ${STOP_DEADLINE_MS} ms` : 'in order'
    throw new SoakError(`${this.node.name} did not stop ${how}: ${this.#said.trim()}`)
  }

  /** As `stop`, for good: an interrupted round may be about to start the node again. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.stop()
  }

  /** Says something, and resolves with the next thing that the node says. */
  async #ask(message?: ToPeer): Promise<FromPeer | undefined> {
    this.#answer = Promise.withResolvers()
    const { promise, reject } = this.#answer
    const late = new SoakError(
      `${this.node.name} did not answer ${message?.type ?? 'start'} in ${ANSWER_DEADLINE_MS} ms: ${this.#said.trim()}`,
    )
    const timer = setTimeout(() => reject(late), ANSWER_DEADLINE_MS)
    if (message !== undefined) this.#child?.send(message, () => {})
    try {
      return await promise
    } finally {
      clearTimeout(timer)
    }
  }
}
