import { Command } from 'commander'
import { z } from 'zod'
import { nodePeers, peerDetail, unbanned } from '../../http/schemas.ts'
import { type NodeOptions, clientOf, wholeNumber, withNodeOptions } from '../options.ts'
import { Output, table } from '../output.ts'
import { pathPart } from '../parse.ts'

const banned = z.object({ banned: z.boolean() })
const MINUTE_MS = 60_000
/** Longest ban, in minutes: a year. */
const MAX_BAN_MINUTES = 525_600

/** `gridmesh peers [list|explain|ban|unban]`: whom a node knows, and what it thinks of them. */
export function peersCommand(): Command {
  return new Command('peers')
    .description('list the peers a node is connected to, explain a score, ban and unban')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(explainCommand())
    .addCommand(banCommand())
    .addCommand(unbanCommand())
    .addHelpText('after', '\nExamples:\n  gridmesh peers --node mea\n  gridmesh peers explain 12D3KooW…')
}

function listCommand(): Command {
  return withNodeOptions(new Command('list').description('list the peers a node is connected to')).action(
    async (options: NodeOptions) => {
      const data = await clientOf(options).get('/node/peers', nodePeers)
      new Output(options).result(data, () =>
        table(
          ['peer', 'state', 'role', 'region', 'height', 'latency', 'reputation'],
          data.peers.map((peer) => [
            peer.address,
            peer.state,
            peer.node_type ?? '-',
            peer.region ?? '-',
            peer.height,
            peer.latency_ms === null ? '-' : `${peer.latency_ms.toFixed(1)} ms`,
            peer.reputation.toFixed(1),
          ]),
        ),
      )
    },
  )
}

function explainCommand(): Command {
  return withNodeOptions(new Command('explain').description('say why a peer has its reputation'))
    .argument('<id>', 'peer id')
    .action(async (id: string, options: NodeOptions) => {
      const data = await clientOf(options).get(`/node/peers/${pathPart('a peer id', id)}`, peerDetail)
      new Output(options).result(data, () => {
        const { address, state, capabilities, reputation, explanation } = data
        const offers = capabilities.length > 0 ? [`offers ${capabilities.join(', ')}`] : []
        return [`${address}: ${state}, reputation ${reputation.toFixed(1)}`, ...offers, ...explanation].join('\n  ')
      })
    })
}

function banCommand(): Command {
  const minutes = wholeNumber('minutes', 1, MAX_BAN_MINUTES)
  return withNodeOptions(new Command('ban').description('disconnect a peer and refuse it for a time'))
    .argument('<id>', 'peer id')
    .requiredOption('--reason <text>', 'why, for those who read it later')
    .option('--minutes <n>', 'how long', minutes, 1_440)
    .action(async (id: string, options: NodeOptions & { reason: string; minutes: number }) => {
      const body = { reason: options.reason, durationMs: options.minutes * MINUTE_MS }
      const data = await clientOf(options).post(`/node/peers/${pathPart('a peer id', id)}/ban`, body, banned)
      new Output(options).result(data, () => `Banned ${id} for ${options.minutes} minutes`)
    })
}

function unbanCommand(): Command {
  return withNodeOptions(new Command('unban').description('lift the ban of a peer'))
    .argument('<id>', 'peer id')
    .action(async (id: string, options: NodeOptions) => {
      const data = await clientOf(options).delete(`/node/peers/${pathPart('a peer id', id)}/ban`, unbanned)
      new Output(options).result(data, () => (data.was_banned ? `Lifted the ban of ${id}` : `${id} was not banned`))
    })
}
