import { expect, it } from 'vitest'
import { HandshakeRejectedError, QueueFullError, RateLimitedError } from '../src/index.ts'

it('names the limit, its value and the lane of a full queue', () => {
  const err = new QueueFullError('maxQueued', 64, 'bulk')
  expect(err).toMatchObject({ name: 'QueueFullError', code: 'queue-full', limit: 'maxQueued', value: 64, lane: 'bulk' })
  expect(err.message).toBe('The bulk queue is full: maxQueued is 64')
})

it('reads well for a queue without lanes', () => {
  const err = new QueueFullError('maxQueuedDials', 500)
  expect(err.lane).toBeUndefined()
  expect(err.message).toBe('The queue is full: maxQueuedDials is 500')
})

it('says when to try again, in whole ms', () => {
  expect(new RateLimitedError('messagesPerSecond', 100, 9.2).message).toContain('try again in 10 ms')
})

it('takes the code of a refusal, and says whose it is', () => {
  const err = new HandshakeRejectedError({ code: 'wrong-chain', message: 'expected a, got b' }, 'them')
  expect(err).toMatchObject({ name: 'HandshakeRejectedError', code: 'wrong-chain', by: 'them' })
  expect(err.message).toBe('Handshake refused by them: wrong-chain: expected a, got b')
})
