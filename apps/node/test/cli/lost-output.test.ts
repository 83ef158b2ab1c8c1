import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { endWithoutOutput } from '../../src/cli/lost-output.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** How the process would end as a stream fails, and what it would say. */
function endOf(stream: 'stdout' | 'stderr', code: string, exitCode?: number): [unknown, string] {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
    throw new RangeError('ended')
  })
  const before = process.exitCode
  process.exitCode = exitCode
  onTestFinished(() => {
    process.exitCode = before
    exit.mockRestore()
  })
  endWithoutOutput(streams)
  try {
    streams[stream].emit('error', Object.assign(new Error('broken'), { code }))
  } catch {
    // It ended.
  }
  return [exit.mock.calls[0]?.[0], String(streams.stderr.read() ?? '')]
}

it('says in one line that the result cannot be written, and ends with 12, also where it was done', () => {
  const said = 'error: cannot write the result: ENOSPC\n'
  expect(endOf('stdout', 'ENOSPC')).toEqual([12, said])
})

it('ends with 141 where nobody reads any more what it says, unless it was done', () => {
  expect(endOf('stdout', 'EPIPE')).toEqual([141, ''])
})

it('ends as it would have where nobody reads the end of what it says', () => {
  expect(endOf('stdout', 'EPIPE', 0)).toEqual([0, ''])
})

it('goes on where remarks cannot be written, and ends where nobody reads them', () => {
  expect(endOf('stderr', 'ENOSPC')).toEqual([undefined, ''])
  expect(endOf('stderr', 'EPIPE')).toEqual([141, ''])
})

it.runIf(existsSync('/dev/full'))('ends a command with 12 whose result goes to a full disk', async () => {
  const full = await open('/dev/full', 'w')
  onTestFinished(() => full.close())
  const child = spawn(process.execPath, [MAIN, 'sim', 'list'], { stdio: ['ignore', full.fd, 'pipe'] })
  const [said, [code]] = await Promise.all([text(child.stderr ?? Readable.from([])), once(child, 'close')])
  expect([code, said]).toEqual([12, 'error: cannot write the result: ENOSPC\n'])
})

it('ends a command with 0 that was done when nobody read its result', async () => {
  const child = spawn(process.execPath, [MAIN, 'sim', 'list'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect([code, said]).toEqual([0, ''])
})
