import { MAX_CHAIN_ID_CHARACTERS, MAX_TOPIC_CHARACTERS } from './constants.ts'

const CHAIN_ID = new RegExp(`^[!-.0-~]{1,${MAX_CHAIN_ID_CHARACTERS}}$`)
const TOPIC = new RegExp(`^[!-~]{1,${MAX_TOPIC_CHARACTERS}}$`)
const SUFFIX = '/1'

/** Names of topics, here and on the wire, where they carry the network and the major version of the protocol. */
export class Topics {
  readonly #prefix: string

  /** @throws {RangeError} unless the chain id is printable ASCII without a slash */
  constructor(chainId: string) {
    // Without a slash, or chain `a/b` with topic `c` would meet chain `a` with topic `b/c`.
    if (typeof chainId !== 'string' || !CHAIN_ID.test(chainId)) {
      throw new RangeError(
        `chainId ${JSON.stringify(chainId)} must be 1 to ${MAX_CHAIN_ID_CHARACTERS} printable ASCII characters, no slash`,
      )
    }
    this.#prefix = `/gridmesh/${chainId}/`
  }

  /** @throws {RangeError} unless the topic is printable ASCII */
  toWire(topic: string): string {
    if (typeof topic !== 'string' || !TOPIC.test(topic)) {
      throw new RangeError(
        `topic ${JSON.stringify(topic)} must be 1 to ${MAX_TOPIC_CHARACTERS} printable ASCII characters`,
      )
    }
    return this.#prefix + topic + SUFFIX
  }

  /** The topic without its network, or `undefined` when it is of another network. */
  fromWire(wireTopic: string): string | undefined {
    if (!wireTopic.startsWith(this.#prefix) || !wireTopic.endsWith(SUFFIX)) return undefined
    const topic = wireTopic.slice(this.#prefix.length, -SUFFIX.length)
    return TOPIC.test(topic) ? topic : undefined
  }
}
