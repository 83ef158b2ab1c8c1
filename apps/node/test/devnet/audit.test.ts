import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { auditNodes } from '../../src/devnet/day/audit.ts'

const servers: Server[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map(async (server) => new Promise((resolve) => server.close(resolve))))
})

/** What a node says, each time it is asked for both its state and its chain. */
interface Said {
  /** Block of the state, and of the chain when it is asked right after. */
  at: number
  atAfter?: number
  /** Energy that the zones hold, where 10 was minted. */
  held?: number
  /** It changes its branch, and cannot say. */
  isMoving?: boolean
}

const hashOf = (height: number): string => String(height).padStart(64, '0')
const supply = { minted: 10, burned: 0, held: 10 }
const none = { minted: 0, burned: 0, held: 0 }

function zones({ at, held = 10 }: Said): unknown {
  const zone = {
    zone: 0,
    name: 'north',
    produced_wh: 10,
    consumed_wh: 0,
    meters: 1,
    held: { energy: held, thb: 0, rec: 0 },
  }
  return { at: { height: at, hash: hashOf(at) }, zones: [zone] }
}

function info({ at, atAfter = at }: Said): unknown {
  const tip = { height: atAfter, hash: hashOf(atAfter) }
  return {
    name: 'test',
    chain_id: hashOf(0),
    ...tip,
    time_ms: atAfter,
    state_root: `root of ${atAfter}`,
    finalised: tip,
    fork_choice: 'authority',
    authorities: [],
    zones: ['north'],
    mempool: { transactions: 0, bytes: 0, waiting: 0 },
    supplies: { energy: supply, thb: none, rec: none },
    sync: { phase: 'idle', progress: null, peers: 1, last: null },
    failure: null,
  }
}

/** A node that says one after the other, and the last for ever. */
async function node(...said: [Said, ...Said[]]): Promise<{ url: string }> {
  let [now] = said
  let rest = said.slice(1)
  const server = createServer(({ url }, response) => {
    response.setHeader('content-type', 'application/json')
    if (now.isMoving === true) {
      response.statusCode = 503
      response.end(JSON.stringify({ success: false, code: 'chain-moving', error: 'ask again' }))
    } else {
      response.end(
        JSON.stringify({ success: true, data: url?.endsWith('/state/zones') === true ? zones(now) : info(now) }),
      )
    }
    if (url?.endsWith('/chain/info') !== true && now.isMoving !== true) return
    const [next] = rest
    rest = rest.slice(1)
    now = next ?? now
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port }: AddressInfo = JSON.parse(JSON.stringify(server.address()))
  return { url: `http://127.0.0.1:${port}` }
}

const { signal } = new AbortController()

it('asks again while a block comes in between, and until all nodes are at one', async () => {
  const nodes = [
    await node({ at: 4, atAfter: 5 }, { at: 5 }),
    await node({ at: 4 }, { isMoving: true, at: 4 }, { at: 5 }),
  ]
  const audit = await auditNodes(nodes, { signal })
  expect(audit).toEqual({ height: 5, stateRoot: 'root of 5', agree: true, exact: true })
})

it('says that nodes disagree which stay apart', async () => {
  const audit = await auditNodes([await node({ at: 5 }), await node({ at: 4 })], { signal, deadlineMs: 100 })
  expect(audit).toMatchObject({ agree: false, exact: true })
})

it('says that a node holds what was not minted', async () => {
  const audit = await auditNodes([await node({ at: 5 }), await node({ at: 5, held: 11 })], { signal, deadlineMs: 100 })
  expect(audit).toMatchObject({ agree: true, exact: false })
})

it('does not take a node for one that agrees which never could say', async () => {
  const audit = await auditNodes([await node({ at: 5 }), await node({ at: 5, isMoving: true })], {
    signal,
    deadlineMs: 100,
  })
  expect(audit).toMatchObject({ agree: false, exact: false })
})
