import { Command } from 'commander'
import { colours } from '../colours.ts'
import { nodeHealth, nodeInfo } from '../../http/schemas.ts'
import { clientOf, type NodeOptions, withNodeOptions } from '../options.ts'
import { Output, table } from '../output.ts'

/** `gridmesh status`: how a node is. */
export function statusCommand(): Command {
  return withNodeOptions(new Command('status').description('show how a node is'))
    .addHelpText('after', '\nExample:\n  gridmesh status --node mea')
    .action(async (options: NodeOptions) => {
      const client = clientOf(options)
      const [info, health] = await Promise.all([
        client.get('/node/info', nodeInfo),
        client.get('/node/health', nodeHealth),
      ])
      const lag = health.event_loop_lag_ms
      new Output(options).result({ ...info, health }, () =>
        table(
          [info.name, health.status === 'ok' ? colours.green(health.status) : colours.yellow(health.status)],
          [
            ['role', info.node_type],
            ['region', info.region],
            ['chain', info.chain_id],
            ['peer id', info.address],
            ['API', client.url],
            ['peers', info.peer_count],
            ['height', `${info.height} (${Math.round(info.sync_progress * 100)} % in step)`],
            ['latency', health.average_latency_ms === null ? '-' : `${health.average_latency_ms.toFixed(1)} ms`],
            ['event loop lag', lag === null ? '-' : `p50 ${lag.p50.toFixed(1)} ms, p99 ${lag.p99.toFixed(1)} ms`],
            ['load', health.load],
            ['partition risk', `${Math.round(health.network.partition_risk * 100)} %`],
            ['heap', `${(health.heap_bytes / 1_048_576).toFixed(0)} MiB`],
            ['up', `${info.uptime.toFixed(0)} s`],
            ['version', info.version],
          ],
        ),
      )
    })
}
