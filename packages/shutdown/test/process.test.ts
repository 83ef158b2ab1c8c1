import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('fixtures/program.ts', import.meta.url))
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Starts a program that serves until it is told to end, and waits until it does. */
async function start(mode: 'prompt' | 'stuck' | 'leaky') {
  const flags = process.features.typescript === false ? ['--experimental-strip-types', '--no-warnings'] : []
  const child = spawn(process.execPath, [...flags, PROGRAM, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')))
  await once(child.stdout, 'data')
  return { child, lines, exit: once(child, 'exit') }
}

it('ends clean on SIGTERM, with nothing left', async () => {
  const { child, lines, exit } = await start('prompt')
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  expect(lines).toEqual(['ready', 'stop-accepting server done', 'close server done', 'verify leftovers done'])
})

it('ends at once on a second signal', async () => {
  const { child, lines, exit } = await start('stuck')
  const closing = once(child.stdout, 'data')
  child.kill('SIGINT')
  await closing
  child.kill('SIGINT')
  expect(await exit).toEqual([130, null])
  expect(lines).toEqual(['ready', 'stop-accepting server done'])
})

it('ends with 1 and names a timer and a socket that were left', async () => {
  const { child, lines, exit } = await start('leaky')
  child.kill('SIGTERM')
  expect(await exit).toEqual([1, null])
  expect(lines.at(-1)).toBe('verify leftovers failed Left at the end: 1 TCPServerWrap, 1 Timeout')
})
