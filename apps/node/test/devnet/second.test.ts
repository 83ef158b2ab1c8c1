import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Devnet } from '../../src/devnet/devnet.ts'
import { prepareFiles } from '../../src/devnet/files.ts'
import { manifestPath, writeManifest } from '../../src/devnet/manifest.ts'
import { planDevnet } from '../../src/devnet/plan.ts'
import { runningNodes } from '../../src/devnet/running.ts'
import { someDirectory } from '../cli/network-files.ts'

/** A port on which somebody listens, or nobody does any more. */
async function port({ isTaken }: { isTaken: boolean }): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: found } = server.address() as AddressInfo
  if (isTaken) onTestFinished(() => void server.close())
  else await once(server.close(), 'close')
  return found
}

/** The id of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['--eval', ''])
  await once(child, 'exit')
  return child.pid ?? 0
}

/** A directory with the files of a devnet, whose first node listens on `httpPort` and has the process `pid`. */
async function devnetFiles(httpPort: number, pid: number): Promise<{ data: string; config: string }> {
  const data = await someDirectory()
  const [node] = await prepareFiles(data, 'silver', planDevnet({ nodes: 1, baseHttp: httpPort, baseP2p: 21_000 }))
  if (node === undefined) throw new TypeError('nothing was planned')
  await writeManifest(data, { profile: 'silver', nodes: [{ ...node, pid }] })
  return { data, config: node.config }
}

describe('a second devnet in a directory where one runs', () => {
  it('is refused, and touches neither the files of its nodes nor devnet.json', async () => {
    const { data, config } = await devnetFiles(await port({ isTaken: true }), process.pid)
    const read = async () => Promise.all([config, manifestPath(data)].map(async (path) => readFile(path, 'utf8')))
    const before = await read()
    const second = new Devnet({ nodes: 1, profile: 'silver', data, baseHttp: 22_000, baseP2p: 23_000 })
    await expect(second.start(new AbortController().signal, () => {})).rejects.toMatchObject({
      name: 'UnusableFileError',
      message: expect.stringContaining(`egat (pid ${process.pid})`),
    })
    await second.stop()
    expect(await read()).toEqual(before)
  })

  it('is not refused by what a devnet that was killed left behind', async () => {
    const [taken, free] = [await port({ isTaken: true }), await port({ isTaken: false })]
    // The process has ended; its id is that of another program by now.
    expect(await runningNodes((await devnetFiles(taken, await endedPid())).data)).toEqual([])
    expect(await runningNodes((await devnetFiles(free, process.pid)).data)).toEqual([])
    const none = await someDirectory()
    expect(await runningNodes(none)).toEqual([])
    await writeFile(join(none, 'devnet.json'), '{')
    expect(await runningNodes(none)).toEqual([])
  })
})
