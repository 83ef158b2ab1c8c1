import { describe, expect, it } from 'vitest'
import { announcedQuota, OutboundPacer, rateLimiter, TrafficLimiter, type RateLimiterInit } from '../src/index.ts'
import { resolveLimits } from '../src/limits.ts'

const MIB = 1024 * 1024

describe('the limits', () => {
  it('are 100 messages, 5 MiB and 20 streams a second, and twice that at once, where nothing is set', () => {
    expect(resolveLimits({})).toEqual({
      messages: { perSecond: 100, burst: 200 },
      bytes: { perSecond: 5 * MIB, burst: 10 * MIB },
      streams: { perSecond: 20, burst: 40 },
    })
  })

  it('bring twice a new rate as its burst, unless the burst is set too', () => {
    const { messages, bytes } = resolveLimits({ messagesPerSecond: 7, bytesPerSecond: 7, bytesBurst: 3 })
    expect(messages).toEqual({ perSecond: 7, burst: 14 })
    expect(bytes).toEqual({ perSecond: 7, burst: 3 })
  })

  it('of a protocol take from the general ones what they leave out', () => {
    const general = resolveLimits({ messagesPerSecond: 8, bytesBurst: 9 })
    const own = resolveLimits({ messagesBurst: 1 }, general)
    expect(own).toEqual({ ...general, messages: { perSecond: 8, burst: 1 } })
  })

  it.each<[keyof RateLimiterInit, number]>([
    ['messagesPerSecond', 0],
    ['messagesBurst', Number.NaN],
    ['bytesPerSecond', -1],
    ['bytesBurst', Infinity],
    ['streamsPerSecond', 0],
    ['streamsBurst', 0],
    ['totalMessagesPerSecond', 0],
    ['totalMessagesBurst', Number.NaN],
    ['maxKeys', 1.5],
    ['maxWaitersPerPeer', 0],
    ['outboundBurstMs', 0],
    ['maxWaitMs', Infinity],
  ])('refuse %s %d, naming both', (name, value) => {
    const init = { [name]: value }
    const construct = (): unknown => [new TrafficLimiter(init), new OutboundPacer(() => undefined, init)]
    expect(construct).toThrow(RangeError)
    expect(construct).toThrow(`${name} is ${value}`)
  })

  it('of a protocol are checked as well', () => {
    expect(() => new TrafficLimiter({ protocols: { '/x/1': { bytesPerSecond: 0 } } })).toThrow('bytesPerSecond is 0')
  })

  it('are not checked before the service is made', () => {
    expect(() => rateLimiter({ maxKeys: 0 })).not.toThrow()
  })
})

describe('announcedQuota', () => {
  it('is what the limits let pass in a second', () => {
    expect(announcedQuota()).toEqual({ messagesPerSecond: 100, bytesPerSecond: 5 * MIB })
  })

  it('is the burst where that is below the rate', () => {
    const quota = announcedQuota({ messagesPerSecond: 100, messagesBurst: 10 })
    expect(quota.messagesPerSecond).toBe(10)
  })
})
