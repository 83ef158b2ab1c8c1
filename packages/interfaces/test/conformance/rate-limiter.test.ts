import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { type RateLimiterHarness, rateLimiterConformance, type RateLimiterLimits } from '../../src/conformance/index.ts'
import type { RateCost, RateLimiter, RateVerdict } from '../../src/index.ts'

const peers: PeerId[] = []
for (let made = 0; made < 2; made++) peers.push(peerIdFromPrivateKey(await generateKeyPair('Ed25519')))

/** A bucket of messages for each peer and protocol: all that the suite asks of `take`. */
class Buckets implements RateLimiter {
  readonly limits: RateLimiterLimits
  readonly nowMs: () => number
  readonly owed = new Map<string, { messages: number; atMs: number }>()

  constructor(limits: RateLimiterLimits, nowMs: () => number) {
    this.limits = limits
    this.nowMs = nowMs
  }

  keyOf(peer: PeerId, protocol: string): string {
    return `${peer.toString()} ${protocol}`
  }

  take(peer: PeerId, protocol: string, cost: RateCost = {}): RateVerdict {
    const { streams = 0, bytes = 0 } = cost
    const { messages = streams > 0 ? 0 : 1 } = cost
    if (!(messages >= 0 && bytes >= 0 && streams >= 0 && messages < Infinity)) throw new RangeError('no cost')
    const { messagesPerSecond, messagesBurst } = this.limits
    const nowMs = this.nowMs()
    const key = this.keyOf(peer, protocol)
    const before = this.owed.get(key) ?? { messages: 0, atMs: nowMs }
    const owed = Math.max(0, before.messages - ((nowMs - before.atMs) * messagesPerSecond) / 1_000)
    const excess = owed + messages - messagesBurst
    if (messages > 0 && excess > 1e-9) return this.refuse(key, messages, (excess * 1_000) / messagesPerSecond)
    this.owed.set(key, { messages: owed + messages, atMs: nowMs })
    return { ok: true }
  }

  refuse(_key: string, _messages: number, retryAfterMs: number): RateVerdict {
    return { ok: false, limit: 'messagesPerSecond', value: this.limits.messagesPerSecond, retryAfterMs }
  }

  async whenAllowed(_peer: PeerId, _cost?: RateCost, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
  }
}

function casesOf(create: new (limits: RateLimiterLimits, nowMs: () => number) => RateLimiter) {
  const harness: RateLimiterHarness = {
    quotas: false,
    create: (limits) => {
      let nowMs = 0
      const limiter = new create(limits, () => nowMs)
      return { limiter, peers, advance: (ms) => void (nowMs += ms), stop: () => undefined }
    },
  }
  return rateLimiterConformance(harness)
}

it.each(casesOf(Buckets).map(({ name, run }) => [name, run] as const))('passes for buckets: %s', async (_, run) => {
  await expect(run()).resolves.toBeUndefined()
})

class Lax extends Buckets {
  override refuse(): RateVerdict {
    return { ok: true }
  }
}

class Charging extends Buckets {
  override refuse(key: string, messages: number, retryAfterMs: number): RateVerdict {
    const { atMs, messages: owed } = this.owed.get(key) ?? { messages: 0, atMs: this.nowMs() }
    this.owed.set(key, { atMs, messages: owed + messages })
    return super.refuse(key, messages, retryAfterMs)
  }
}

class Hasty extends Buckets {
  override refuse(key: string, messages: number): RateVerdict {
    return super.refuse(key, messages, 0)
  }
}

class Optimistic extends Buckets {
  override refuse(key: string, messages: number, retryAfterMs: number): RateVerdict {
    return super.refuse(key, messages, retryAfterMs / 2)
  }
}

class Shared extends Buckets {
  override keyOf(): string {
    return 'all'
  }
}

class Leaky extends Buckets {
  override take(peer: PeerId, protocol: string, cost: RateCost = {}): RateVerdict {
    const { messages = 1 } = cost
    const owed = this.owed.get(this.keyOf(peer, protocol))
    if (messages >= 0) return super.take(peer, protocol, cost)
    if (owed !== undefined) owed.messages += messages
    return { ok: true }
  }
}

class Deaf extends Buckets {
  override async whenAllowed(): Promise<void> {}
}

it.each([
  ['never refuses', Lax, 'passes the whole burst at once, and then refuses'],
  ['passes too much in a window', Lax, 'never passes more than burst + rate × w in a window of w'],
  ['charges for what it refuses', Charging, 'charges nothing for what it refuses'],
  ['says to wait for no time', Hasty, 'names the limit that refused, its value, and a time to wait above 0'],
  ['says to wait for too short a time', Optimistic, 'passes again once the time to wait is over'],
  ['counts peers together', Shared, 'keeps peers apart'],
  ['counts protocols together', Shared, 'keeps protocols apart'],
  ['gives credit for negative costs', Leaky, 'gives no credit for a cost that is no cost'],
  ['does not heed a signal', Deaf, 'allows nothing under a signal that is aborted'],
])('is caught: a limiter that %s', async (_, create, caught) => {
  const { run } = casesOf(create).find(({ name }) => name === caught) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})
