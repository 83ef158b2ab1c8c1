import { expect, it } from 'vitest'
import { isLoopback } from '../src/config/loopback.ts'

it.each(['127.0.0.1', '127.255.0.9', 'localhost', 'LocalHost', '::1'])('takes %s for this machine', (host) => {
  expect(isLoopback(host)).toBe(true)
})

it.each(['0.0.0.0', '::', '192.168.1.1', '127.0.0.1.example.com', 'localhost.example.com', ''])(
  'takes %s for somebody else',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)
