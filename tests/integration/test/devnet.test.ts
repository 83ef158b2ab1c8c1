import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { type RunningDevnet, runGridmesh, spawnGridmesh, startDevnet } from '@gridmesh-internal/support'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { call, feedIds } from '../src/api.ts'

const order = { type: 'sell', priceSatangPerKwh: 410, quantityWh: 2_500, zone: 'north' }
const emergency = { severity: 'severe', zones: ['bangkok'], requiredAction: 'reduce-load' }
const soon = { interval: 50 }

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a devnet of five real processes', () => {
  let devnet: RunningDevnet
  const urlOf = (name: string): string => devnet.nodes.find((node) => node.name === name)?.url ?? ''

  beforeAll(async () => {
    devnet = await startDevnet(5)
  })
  afterAll(async () => {
    await devnet.stop()
  })

  it('has three authorities, a producer and a consumer, each connected to all others', async () => {
    expect(devnet.nodes.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'egat authority',
      'mea authority',
      'pea authority',
      'producer producer',
      'consumer consumer',
    ])
    for (const node of devnet.nodes) {
      const { data } = await call(node.url, '/node/info')
      expect(data).toMatchObject({ peer_count: 4, address: node.peerId, node_type: node.role, name: node.name })
    }
  })

  it('writes devnet.json with names, roles, peer ids, URLs and pids', () => {
    const manifest = JSON.parse(readFileSync(join(devnet.data, 'devnet.json'), 'utf8'))
    expect(manifest.nodes).toMatchObject(
      devnet.nodes.map(({ name, role, peerId, url, pid }) => ({ name, role, peerId, url, pid })),
    )
  })

  it("puts an order posted to the first node into the last node's feed", async () => {
    const { status, data } = await call(urlOf('egat'), '/orders', order)
    expect(status).toBe(202)
    await vi.waitFor(async () => expect(await feedIds(urlOf('consumer'))).toContain(data.item.value.id), soon)
  })

  it("shows an authority's emergency in every feed, and refuses anybody else's", async () => {
    const { status, data } = await call(urlOf('mea'), '/emergencies', emergency)
    expect(status).toBe(202)
    for (const node of devnet.nodes) {
      await vi.waitFor(
        async () => expect(await feedIds(node.url, '?kind=grid-emergency')).toContain(data.item.value.id),
        soon,
      )
    }
    expect(await call(urlOf('producer'), '/emergencies', emergency)).toMatchObject({
      status: 403,
      code: 'not-authority',
    })
  })

  it('takes orders from the command line, and names the bad line of a CSV file', async () => {
    const file = join(devnet.data, 'orders.csv')
    writeFileSync(
      file,
      'type,priceSatangPerKwh,quantityWh,zone\nsell,400,1000,north\nsell,cheap,1000,north\nbuy,420,500,south\n',
    )
    const { code, stdout, stderr } = await runGridmesh(['submit', file, '--url', urlOf('producer')])
    expect(stdout).toBe('Sent 2 of 3 orders; 1 bad\n')
    expect(stderr).toContain('orders.csv:3:')
    expect(stderr).toContain('priceSatangPerKwh')
    expect(code).toBe(7)
  })

  it('brings a node that was killed back with the same identity, and new messages reach it', async () => {
    const victim = devnet.nodes.find(({ name }) => name === 'pea')
    if (victim === undefined) throw new TypeError('there is no pea')
    let said = ''
    devnet.child.stderr?.on('data', (text) => (said += String(text)))
    process.kill(victim.pid, 'SIGKILL')
    await vi.waitFor(async () => expect((await call(urlOf('egat'), '/node/info')).data.peer_count).toBe(3), soon)

    await vi.waitFor(() => expect(said).toContain('Start it again with: '), soon)
    const [, command = ''] = /Start it again with: npm run gridmesh -- (.+)\n/.exec(said) ?? []
    const again = spawnGridmesh(command.split(' '))
    try {
      await vi.waitFor(async () => {
        const { data } = await call(victim.url, '/node/info')
        expect(data).toMatchObject({ address: victim.peerId, peer_count: 4 })
      }, soon)
      expect((await call(victim.url, '/chain/info')).status).toBe(200)
      // For up to 2 s after a kill a node refuses envelopes that it may have seen before.
      const sent = new Set<string>()
      await vi.waitFor(async () => {
        sent.add((await call(urlOf('consumer'), '/orders', order)).data.item.value.id)
        expect((await feedIds(victim.url)).some((id) => sent.has(id))).toBe(true)
      }, soon)
    } finally {
      again.kill('SIGTERM')
      await once(again, 'exit')
    }
  })
})

describe('the log of a running node', () => {
  it('follows the levels of the configuration file, and keeps them when the file is broken', async () => {
    const devnet = await startDevnet(2)
    try {
      const [node] = devnet.nodes
      if (node === undefined) throw new TypeError('there is no node')
      const log = (): string => readFileSync(join(dirname(node.config), 'node.log'), 'utf8')
      const config = readFileSync(node.config, 'utf8')
      expect(log()).not.toContain('"component":"libp2p')

      writeFileSync(node.config, config.replace('level: info', 'level: trace'))
      await vi.waitFor(async () => {
        await call(node.url, '/orders', order)
        expect(log()).toContain('"component":"libp2p')
      }, soon)
      writeFileSync(node.config, config.replace('level: info', 'level: loud'))
      await vi.waitFor(() => expect(log()).toMatch(/logs\.level.*loud/), soon)
      expect((await call(node.url, '/node/info')).status).toBe(200)
    } finally {
      await devnet.stop()
    }
  })
})

describe('the end of a devnet', () => {
  it('comes with one Ctrl-C: exit code 0, no process left', async () => {
    const devnet = await startDevnet(3)
    const pids = devnet.nodes.map(({ pid }) => pid)
    expect(pids.every(isAlive)).toBe(true)
    expect(await devnet.stop('SIGINT')).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('comes to the nodes also when the devnet itself is killed', async () => {
    const devnet = await startDevnet(3)
    await devnet.stop('SIGKILL')
    await vi.waitFor(() => expect(devnet.nodes.filter(({ pid }) => isAlive(pid))).toEqual([]), soon)
  })
})

describe('a devnet that cannot start', () => {
  it('names the port that is taken, and leaves nothing running', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const port = (taken.address() as { port: number }).port
    const { code, stderr } = await runGridmesh(['devnet', '--base-http', `${port}`, '--data', '.devnet-taken'])
    taken.close()
    expect(stderr).toContain(`127.0.0.1:${port}`)
    expect(stderr).toContain('--base-http')
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(4)
    expect(existsSync('.devnet-taken')).toBe(false)
  })
})
