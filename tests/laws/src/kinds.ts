import type { Lane } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage, defineRequest } from '@gridmesh/message-router'

const maxBytes = 8 * 2 ** 20

/** One kind of message for each lane, of bytes. */
export const KINDS = {
  critical: defineMessage({ kind: 'alarm', codec: bytesCodec, lane: 'critical', maxBytes }),
  high: defineMessage({ kind: 'vote', codec: bytesCodec, lane: 'high', maxBytes }),
  normal: defineMessage({ kind: 'order', codec: bytesCodec, lane: 'normal', maxBytes }),
  bulk: defineMessage({ kind: 'archive', codec: bytesCodec, lane: 'bulk', maxBytes }),
} satisfies Record<Lane, unknown>

/** A question that is answered. */
export const QUESTION = defineRequest({ kind: 'question', codec: bytesCodec, reply: bytesCodec, maxBytes })
