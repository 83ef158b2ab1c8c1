import { z } from 'zod'
import { shown } from '../faults.ts'
import { failure } from '../http/answers.ts'
import { NodeRefusedError, NodeUnreachableError } from './errors.ts'

/** Time a node may take to answer, in ms. */
const ANSWER_DEADLINE_MS = 10_000

/** Calls the HTTP API of one node. */
export class NodeClient {
  readonly url: string
  readonly #token: string | undefined

  constructor(url: string, token?: string) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** @throws {NodeUnreachableError} @throws {NodeRefusedError} */
  get<T>(path: string, data: z.ZodType<T>): Promise<T> {
    return this.#call('GET', path, data)
  }

  /** @throws {NodeUnreachableError} @throws {NodeRefusedError} */
  post<T>(path: string, body: unknown, data: z.ZodType<T>): Promise<T> {
    return this.#call('POST', path, data, body)
  }

  /** @throws {NodeUnreachableError} @throws {NodeRefusedError} */
  delete<T>(path: string, data: z.ZodType<T>): Promise<T> {
    return this.#call('DELETE', path, data)
  }

  async #call<T>(method: string, path: string, data: z.ZodType<T>, body?: unknown): Promise<T> {
    const url = `${this.url}/api/v1${path}`
    const { status, text } = await this.#fetch(url, method, body)
    const answer = readAnswer(text, url, status)
    const failed = failure.safeParse(answer)
    if (failed.success) {
      const { code, error } = failed.data
      throw new NodeRefusedError(url, status, code, status === 401 ? `${error}; ${this.#tokenHint()}` : error)
    }
    const parsed = z.object({ data }).safeParse(answer)
    if (!parsed.success) throw new NodeRefusedError(url, status, 'strange-answer', z.prettifyError(parsed.error))
    return parsed.data.data
  }

  #tokenHint(): string {
    return this.#token === undefined ? 'name the file that holds it by --token-file' : 'the --token-file holds another'
  }

  async #fetch(url: string, method: string, body: unknown): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
      })
      return { status: response.status, text: await response.text() }
    } catch (cause) {
      throw new NodeUnreachableError(this.url, whyNot(cause, this.url), { cause })
    }
  }
}

function readAnswer(text: string, url: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new NodeRefusedError(url, status, 'strange-answer', `expected JSON, got ${shown(text)}`)
  }
}

/** Why fetch got no answer. It says so in what its error was caused by. */
function whyNot(err: unknown, url: string): string {
  if (!(err instanceof Error)) return String(err)
  if (err.name === 'TimeoutError') return `not within ${ANSWER_DEADLINE_MS / 1_000} s`
  const cause = err.cause instanceof Error ? err.cause : err
  if ('code' in cause && cause.code === 'ECONNREFUSED') {
    return 'is it running? Start one with "gridmesh start" or "gridmesh devnet"'
  }
  if (cause.message === 'bad port') {
    return `port ${new URL(url).port} is kept for another protocol, where no HTTP client asks; set http.port to another one`
  }
  return cause.message
}
