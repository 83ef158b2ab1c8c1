import { Command } from 'commander'
import { nodePeers } from '../../http/schemas.ts'
import { clientOf, type NodeOptions, withNodeOptions } from '../options.ts'
import { Output, table } from '../output.ts'

/** `gridmesh peers`: whom a node is connected to. */
export function peersCommand(): Command {
  return withNodeOptions(new Command('peers').description('list the peers a node is connected to'))
    .addHelpText('after', '\nExample:\n  gridmesh peers --url http://127.0.0.1:8546')
    .action(async (options: NodeOptions) => {
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
    })
}
