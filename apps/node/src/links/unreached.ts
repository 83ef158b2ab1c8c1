import type { BroadcastService } from '@gridmesh/broadcast'
import type { Broadcast } from '@gridmesh/interfaces'

/** Topics on which gossip reaches nobody. The contract does not ask for it: of another module none is known. */
export function unreachedTopics(broadcast: Broadcast): string[] {
  return tells(broadcast) ? broadcast.unreached() : []
}

function tells(broadcast: Broadcast): broadcast is BroadcastService {
  return 'unreached' in broadcast && typeof broadcast.unreached === 'function'
}
