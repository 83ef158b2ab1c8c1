import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { authorityRegister, proposal, registerAction, type Transaction, vote } from '@gridmesh/ledger'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import { expect, it, onTestFinished, vi } from 'vitest'
import { authoriseRole, authoritiesOfChain, authoritiesOfGenesis } from '../../src/chain-network/authority-role.ts'
import { loadNodeConfig } from '../../src/config/load.ts'
import { prepareFiles } from '../../src/devnet/files.ts'
import { planDevnet } from '../../src/devnet/plan.ts'
import type { Genesis } from '../../src/genesis.ts'
import { createLog } from '../../src/logging.ts'
import { createNode } from '../../src/create-node.ts'
import type { GridmeshNode } from '../../src/node.ts'
import { addressOfPerson, at, GENESIS_MS, grow, offer, opened, people, signed } from '../chain/chains.ts'
import { someDirectory } from '../cli/network-files.ts'
import { helloOf } from './hello.ts'

const log = createLog({ format: 'json', level: 'silent', components: {} })
const peerOf = (who: number): PeerId => peerIdFromPublicKey(publicKeyFromRaw(at(people, who).publicKey))
const [known, stranger] = [peerOf(0), peerOf(1)]
const genesisOf = (...authorities: PeerId[]): Genesis => ({
  chainId: 'test',
  hash: '00',
  zones: new Set(),
  authorities: new Map(authorities.map((peer) => [peer.toString(), 'name'])),
  ledger: undefined,
})

/** Whether a peer of a role gets in. */
function getsIn(peer: PeerId, role: string, genesis: Genesis, flags: Record<string, unknown> = {}): boolean {
  const rule = authoriseRole(loadNodeConfig({ flags }).config, genesis, authoritiesOfGenesis(genesis))
  return rule({ ...helloOf(), role }, peer) === true
}

it('lets in who says that it is an authority where it is one, and with any other role everybody', () => {
  const genesis = genesisOf(known)
  expect(getsIn(known, 'authority', genesis)).toBe(true)
  expect(getsIn(stranger, 'authority', genesis)).toBe(false)
  expect([known, stranger].map((peer) => getsIn(peer, 'producer', genesis))).toEqual([true, true])
})

it('lets everybody say it where no authorities are listed', () => {
  expect(getsIn(stranger, 'authority', genesisOf())).toBe(true)
})

it.each([
  ['pool.reservedPeers', stranger.toString()],
  ['p2p.bootstrap', `/ip4/127.0.0.1/tcp/1/p2p/${stranger.toString()}`],
  ['discovery.staticPeers', `/ip4/127.0.0.1/tcp/1/p2p/${stranger.toString()}`],
])('lets in whom the operator names by %s', (path, entry) => {
  expect(getsIn(stranger, 'authority', genesisOf(known), { [path]: [entry] })).toBe(true)
})

it('says what came, and is no reason to give up for good', () => {
  const genesis = genesisOf(known)
  const rule = authoriseRole(loadNodeConfig({}).config, genesis, authoritiesOfGenesis(genesis))
  expect(rule({ ...helloOf(), role: 'authority' }, stranger)).toEqual({
    code: 'not-authority',
    message: `role "authority" came of ${stranger.toString()}, and this node knows it for no authority`,
    limit: 'role',
  })
})

it('follows the chain: whoever is registered may say it from then on', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  onTestFinished(() => void vi.useRealTimers())
  const chain = await opened()
  await chain.start()
  const isAuthority = authoritiesOfChain({ chain })
  const answers = (): boolean[] => [known, stranger].map(isAuthority)
  expect(answers()).toEqual([true, false])

  const enact = async (...steps: Transaction[]): Promise<void> => {
    for (const step of steps) {
      expect(await offer(chain, step)).toEqual(['added'])
      await grow(chain)
    }
  }
  const newcomer = { publicKey: at(people, 1).publicKey, zones: [] }
  const ask = signed(chain, 0, proposal, { text: 'in', action: registerAction(newcomer), closesAtHeight: 99 }, 0)
  const ref = { proposer: addressOfPerson(0), proposal: ask.id }
  await enact(
    ask,
    signed(chain, 0, vote, { ...ref, isApproval: true }, 1),
    signed(chain, 0, authorityRegister, { ...ref, authority: newcomer }, 2),
  )
  expect(answers()).toEqual([true, true])
})

/** A hub with role slots, and nodes of its network that know it. */
async function networkOf(roles: readonly string[]): Promise<GridmeshNode[]> {
  const data = await someDirectory()
  const plan = planDevnet({ nodes: 3, baseHttp: 20_000, baseP2p: 21_000 })
  const [hubFiles, authority] = await prepareFiles(data, 'gridtokenx', plan)
  const quiet = { 'p2p.port': 0, 'http.port': 0, 'discovery.strategies': ['bootstrap'], 'chain.verifyThreads': 0 }
  const start = async (file: string, flags: Record<string, unknown>): Promise<GridmeshNode> => {
    const { config } = loadNodeConfig({ profile: 'gridtokenx', file, flags: { ...quiet, ...flags } })
    const node = await createNode({ config, log })
    onTestFinished(async () => void (await node.stop()))
    await node.start()
    return node
  }
  const hub = await start(hubFiles?.config ?? '', { 'p2p.bootstrap': [], 'pool.reservedRoles': { authority: 1 } })
  const bootstrap = hub.libp2p.getMultiaddrs().map(String)
  const others: GridmeshNode[] = []
  for (const role of roles) {
    const dataDir = join(data, `stranger-${others.length}`)
    await mkdir(dataDir)
    // The last one is whom the genesis file names.
    const own = others.length === roles.length - 1 ? {} : { dataDir }
    others.push(await start(authority?.config ?? '', { 'p2p.bootstrap': bootstrap, role, ...own }))
  }
  return [hub, ...others]
}

function readyAt(node: GridmeshNode | undefined): string[] {
  const peers = [...(node?.libp2p.services.peerManager.peers.values() ?? [])]
  return peers.filter(({ state }) => state === 'ready').map(({ id }) => id.toString())
}

function idOf(node: GridmeshNode | undefined): string {
  return node?.libp2p.peerId.toString() ?? ''
}

it('keeps the slots of authorities for them, whatever strangers say', { timeout: 30_000 }, async () => {
  const [hub, liar, honest, authority] = await networkOf(['authority', 'producer', 'authority'])
  await vi.waitFor(() => expect(readyAt(hub).toSorted()).toEqual([idOf(honest), idOf(authority)].toSorted()), 10_000)
  expect(readyAt(liar)).not.toContain(idOf(hub))
})
