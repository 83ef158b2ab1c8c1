import { Agent, request } from 'node:http'
import { createParser } from 'eventsource-parser'

/** Connections to one node. */
const SOCKETS = 32

/** A block, as its node told of it. */
export interface SeenBlock {
  hash: string
  /** When, by `performance.now()`. */
  atMs: number
}

/** A node, by its HTTP API. */
export class NodeApi {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS })

  constructor(url: string) {
    this.#url = `${url}/api/v1`
  }

  async get<Data>(path: string): Promise<Data> {
    const answer = await fetch(`${this.#url}${path}`)
    const { data } = (await answer.json()) as { data?: Data }
    if (!answer.ok || data === undefined) throw new Error(`${path} answers ${answer.status}`)
    return data
  }

  /** Sends a transaction, and gives the status; quicker than `fetch`, whose share of a small machine is large. */
  async post(body: string): Promise<number> {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    return new Promise((resolve, reject) => {
      const sent = request(`${this.#url}/transaction`, { agent: this.#agent, method: 'POST', headers }, (answer) => {
        answer.on('end', () => resolve(answer.statusCode ?? 0)).resume()
      })
      sent.on('error', reject).end(body)
    })
  }

  /** Listens to the events of new blocks, until `signal`. */
  async blocks(onBlock: (block: SeenBlock) => void, signal: AbortSignal): Promise<void> {
    const parser = createParser({
      onEvent({ event, data }) {
        const { hash } = JSON.parse(data) as { hash: string }
        if (event === 'new_block') onBlock({ hash, atMs: performance.now() })
      },
    })
    const headers = { accept: 'text/event-stream' }
    const answer = await fetch(`${this.#url}/events?events=new_block`, { headers, signal })
    const read = async (): Promise<void> => {
      for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
        parser.feed(Buffer.from(chunk).toString())
      }
    }
    read().catch(() => {})
  }

  close(): void {
    this.#agent.destroy()
  }
}
