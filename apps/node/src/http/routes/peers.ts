import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { shown } from '../../faults.ts'
import type { GridmeshNode } from '../../node.ts'
import { checkToken } from '../access.ts'
import { HttpRefusalError, failure, success } from '../answers.ts'
import { nodePeers, peerBan, peerDetail, unbanned } from '../schemas.ts'
import type { Api } from '../server.ts'
import { describePeer } from '../describe-peer.ts'

const params = z.object({ id: z.string().describe('Peer id') })
const LINKED: ReadonlySet<string> = new Set(['connected', 'ready', 'draining'])

/** The peers, one peer with the reasons of its score, and bans. */
export function peerRoutes(api: Api, node: GridmeshNode): void {
  const { peerManager } = node.libp2p.services
  const onRequest = async (request: FastifyRequest): Promise<void> => checkToken(request, node.config.http)

  api.get('/node/peers', { schema: { response: { 200: success(nodePeers) } } }, () => {
    const linked = [...peerManager.peers.values()].filter(({ state }) => LINKED.has(state))
    const peers = linked.map((record) => describePeer(record, peerManager))
    return { success: true as const, data: { peer_count: peers.length, peers } }
  })

  const one = { params, response: { 200: success(peerDetail), 400: failure, 404: failure } }
  api.get('/node/peers/:id', { schema: one }, (request) => {
    const peer = readPeerId(request.params.id)
    const record = peerManager.get(peer)
    if (record === undefined)
      throw new HttpRefusalError(404, 'unknown-peer', `This node knows no peer ${peer.toString()}`)
    const data = {
      ...describePeer(record, peerManager),
      banned_until: record.bannedUntilMs ?? null,
      failures: record.failures,
      traffic: { ...record.traffic },
      explanation: peerManager.explain(peer),
    }
    return { success: true as const, data }
  })

  const ban = {
    params,
    body: peerBan,
    response: { 200: success(z.object({ banned: z.boolean() })), 400: failure, 401: failure },
  }
  api.post('/node/peers/:id/ban', { schema: ban, onRequest }, ({ params: { id }, body: { reason, durationMs } }) => {
    const peer = readPeerId(id)
    if (peer.equals(node.libp2p.peerId)) {
      throw new HttpRefusalError(400, 'invalid-input', `id: expected another peer, got this node itself, ${shown(id)}`)
    }
    return peerManager.ban(peer, reason, durationMs).then(() => ({ success: true as const, data: { banned: true } }))
  })

  const unban = { params, response: { 200: success(unbanned), 400: failure, 401: failure } }
  api.delete('/node/peers/:id/ban', { schema: unban, onRequest }, async ({ params: { id } }) => {
    const peer = readPeerId(id)
    const wasBanned = peerManager.isBanned(peer)
    await peerManager.unban(peer)
    return { success: true as const, data: { banned: false, was_banned: wasBanned } }
  })
}

function readPeerId(text: string): PeerId {
  try {
    return peerIdFromString(text)
  } catch {
    throw new HttpRefusalError(400, 'invalid-input', `id: expected a peer id, got ${shown(text)}`)
  }
}
