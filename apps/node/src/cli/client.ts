import { z } from 'zod'
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
    let answer: unknown
    let status: number
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
      status = response.status
      answer = await response.json()
    } catch (cause) {
      throw new NodeUnreachableError(this.url, { cause })
    }
    const failed = failure.safeParse(answer)
    if (failed.success) throw new NodeRefusedError(url, status, failed.data.code, failed.data.error)
    const parsed = z.object({ data }).safeParse(answer)
    if (!parsed.success) throw new NodeRefusedError(url, status, 'strange-answer', z.prettifyError(parsed.error))
    return parsed.data.data
  }
}
