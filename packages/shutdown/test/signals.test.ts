import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GracefulShutdown } from '../src/index.ts'

let source: EventEmitter
let exits: number[]
const exit = (code: number): number => exits.push(code)

beforeEach(() => {
  source = new EventEmitter()
  exits = []
})
afterEach(() => {
  vi.useRealTimers()
})

function send(signal: 'SIGINT' | 'SIGTERM'): void {
  source.emit(signal, signal)
}

function listeners(): number {
  return source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')
}

it.each(['SIGINT', 'SIGTERM'] as const)('runs on the first %s, exits with 0, and listens no more', async (signal) => {
  const ending = new GracefulShutdown()
  const step = vi.fn<() => void>()
  ending.register('close', 'step', step)
  ending.handleSignals({ source, exit })
  expect(listeners()).toBe(2)
  send(signal)
  expect(exits).toEqual([])
  await vi.waitFor(() => expect(exits).toEqual([0]))
  expect(step).toHaveBeenCalledOnce()
  expect(listeners()).toBe(0)
})

it('exits with 1 when a step was not done', async () => {
  const ending = new GracefulShutdown()
  ending.register('close', 'step', async () => Promise.reject(new RangeError('broken')))
  ending.handleSignals({ source, exit })
  send('SIGTERM')
  await vi.waitFor(() => expect(exits).toEqual([1]))
})

it.each([
  ['SIGINT', 'SIGINT', 130],
  ['SIGINT', 'SIGTERM', 143],
  ['SIGTERM', 'SIGINT', 130],
] as const)('exits at once on %s and then %s, with %d, and only once', async (first, second, code) => {
  const ending = new GracefulShutdown()
  const { promise, resolve } = Promise.withResolvers<void>()
  ending.register('drain', 'slow', async () => promise)
  ending.handleSignals({ source, exit })
  send(first)
  send(second)
  expect(exits).toEqual([code])
  expect(listeners()).toBe(0)
  resolve()
  await ending.run()
  await Promise.resolve()
  expect(exits).toEqual([code])
})

it('joins a shutdown that is under way, and then is gone with it', async () => {
  const ending = new GracefulShutdown()
  const { promise, resolve } = Promise.withResolvers<void>()
  const step = vi.fn<() => Promise<void>>(async () => promise)
  ending.register('drain', 'slow', step)
  ending.handleSignals({ source, exit })
  const report = ending.run()
  send('SIGINT')
  expect(exits).toEqual([])
  resolve()
  await report
  await vi.waitFor(() => expect(exits).toEqual([0]))
  expect(step).toHaveBeenCalledOnce()
})

it('listens no more when a shutdown that no signal began is over', async () => {
  const ending = new GracefulShutdown()
  ending.handleSignals({ source, exit })
  await ending.run()
  expect(listeners()).toBe(0)
  expect(exits).toEqual([])
})

it('is ended by the returned call, as often as that is made', () => {
  const ending = new GracefulShutdown()
  const end = ending.handleSignals({ source, exit })
  end()
  end()
  send('SIGINT')
  expect(listeners()).toBe(0)
  expect(exits).toEqual([])
})

it('takes the place of an earlier call', async () => {
  const ending = new GracefulShutdown()
  const before = vi.fn<() => void>()
  const endFirst = ending.handleSignals({ source, exit: before })
  ending.handleSignals({ source, exit })
  endFirst()
  expect(listeners()).toBe(2)
  send('SIGINT')
  await vi.waitFor(() => expect(exits).toEqual([0]))
  expect(before).not.toHaveBeenCalled()
})

it('lets go of signals while the service is stopped, and takes them up when it is started again', () => {
  const ending = new GracefulShutdown()
  ending.handleSignals({ source, exit })
  ending.start()
  expect(listeners()).toBe(2)
  ending.stop()
  ending.stop()
  expect(listeners()).toBe(0)
  ending.start()
  ending.start()
  expect(listeners()).toBe(2)
})

it('still hears a second signal while a step stops the service', async () => {
  const ending = new GracefulShutdown()
  const { promise, resolve } = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  ending.register('close', 'libp2p', async () => {
    ending.stop()
    stopped.resolve()
    await promise
  })
  ending.handleSignals({ source, exit })
  send('SIGINT')
  await stopped.promise
  send('SIGINT')
  expect(exits).toEqual([130])
  resolve()
  await ending.run()
})

it('listens to the process itself by default', () => {
  const before = process.listenerCount('SIGTERM')
  const end = new GracefulShutdown().handleSignals({ exit })
  expect(process.listenerCount('SIGTERM')).toBe(before + 1)
  end()
  expect(process.listenerCount('SIGTERM')).toBe(before)
})
