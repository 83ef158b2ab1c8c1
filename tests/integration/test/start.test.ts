import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Devnet, planDevnet, prepareFiles } from '@gridmesh/node'
import { freePorts } from '@gridmesh-internal/support'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../apps/node/dist/main.js', import.meta.url))
/** Sends the process a signal once it waits for one: the node is starting by then. */
const INTERRUPT = `process.on('newListener', (name) => {
  if (name === 'disconnect') process.kill(process.pid, 'SIGINT')
})`

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gridmesh-start-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `gridmesh start` under a parent that has a channel to it, as a devnet does, to its end. */
async function start(
  args: readonly string[],
  execArgv: readonly string[] = [],
  onSpawn: (child: ChildProcess) => void = () => {},
): Promise<Ended> {
  const base = await freePorts(2)
  const [node] = await prepareFiles(
    directory,
    'gridtokenx',
    planDevnet({ nodes: 1, baseHttp: base, baseP2p: base + 1 }),
  )
  const command = [MAIN, 'start', '--profile', 'gridtokenx', '--config', node?.config ?? '', ...args]
  const child: ChildProcess = spawn(process.execPath, [...execArgv, ...command], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  onSpawn(child)
  const ended = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (text) => (ended[name] += String(text)))
  const [code] = (await once(child, 'exit')) as [number | null]
  return { code, ...ended }
}

it('ends a node with 0 and without a word of error when Ctrl-C comes while it starts', async () => {
  const { code, stdout, stderr } = await start(
    [],
    ['--import', `data:text/javascript,${encodeURIComponent(INTERRUPT)}`],
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).not.toMatch(/is ready|"level":[456]0/)
})

it('ends a node whose parent has gone before the node is built', async () => {
  const { code, stdout } = await start([], [], (child) => child.disconnect())
  expect(code).toBe(0)
  expect(stdout).not.toContain('is ready')
})

it('ends a node that cannot start although its parent still listens to it', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as AddressInfo
  const { code, stderr } = await start(['--set', `http.port=${port}`])
  expect({ code, stderr }).toEqual({ code: 4, stderr: expect.stringContaining(`127.0.0.1:${port}`) })
})

it('names the node of a devnet that does not answer in time, and its log', async () => {
  const base = await freePorts(2)
  const init = { nodes: 1, profile: 'gridtokenx', data: directory, baseHttp: base, baseP2p: base + 1 }
  const devnet = new Devnet({ ...init, readyDeadlineMs: 1 })
  try {
    await expect(devnet.start(new AbortController().signal, () => {})).rejects.toMatchObject({
      name: 'NodeNotReadyError',
      message: expect.stringContaining(`egat does not answer after 0.001 s; its log is ${join(directory, 'egat')}`),
    })
  } finally {
    await devnet.stop()
  }
})
