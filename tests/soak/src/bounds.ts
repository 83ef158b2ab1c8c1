/** What a thing that is counted may do after the warm-up. Over both, it leaks. */
export interface Bound {
  /** Slope of the least squares, in units a minute. */
  slopePerMinute: number
  /** Median of the last third of the samples less that of the first third. */
  growth: number
  unit: 'KiB' | ''
}

/**
 * Share of the samples that are of the warm-up: code is compiled, and bounded memories fill up. Of a minute, most of
 * that is over; of ten, so are memories with a lifetime instead of a size, such as gossipsub's of two minutes.
 */
export const WARM_UP_SHARE = 0.3

/** Fewest samples of a run: a leak of one a round then grows by twice what noise does. */
export const MIN_SAMPLES = 12

/**
 * The heap of a node that is well still takes 1 to 3 MiB in its second minute, as more code gets warm, and next to
 * nothing later. A MiB a minute ends a node within a day.
 */
const HEAP: Bound = { slopePerMinute: 1_024, growth: 4_096, unit: 'KiB' }

/** Bytes outside the heap; nothing warms up there. One of Node's slabs has 64 KiB, and a few are in use at once. */
const BUFFERS: Bound = { slopePerMinute: 512, growth: 2_048, unit: 'KiB' }

/** The allocator and the collector keep what they once had, so this finds only what the two before cannot see. */
const RSS: Bound = { slopePerMinute: 8_192, growth: 65_536, unit: 'KiB' }

/** A leak of one a round grows by 6 in the shortest run; the slope is low for machines so busy that a round takes long. */
const COUNT: Bound = { slopePerMinute: 1, growth: 3, unit: '' }

/**
 * Which streams a peer and we have open varies by some: gossip opens its own on the first of two connections, and not
 * again when that is closed. What leaks on a connection that lasts shows, at the bound of counts, on the oldest link.
 */
const STREAMS: Bound = { slopePerMinute: 3, growth: 9, unit: '' }

/** libp2p's ping and DHT leave a stream half open for up to 10 s when its end comes early; so each peer may have one. */
const HALF_CLOSED: Bound = { slopePerMinute: 5, growth: 9, unit: '' }

/**
 * libp2p holds what is closed by the timeouts of its streams, up to 10 s: the connections that were parted in that
 * time, at 100 a minute, and their streams. A leak with every reconnect is 100 sockets a minute; one with every restart
 * takes a run of ten minutes to show.
 */
const KEPT_SOCKETS: Bound = { slopePerMinute: 2, growth: 12, unit: '' }
const KEPT_STREAMS: Bound = { slopePerMinute: 10, growth: 60, unit: '' }

const BOUNDS: ReadonlyMap<string, Bound> = new Map([
  ['heap', HEAP],
  ['buffers', BUFFERS],
  ['rss', RSS],
  ['streams', STREAMS],
  ['streams half closed', HALF_CLOSED],
  ['kept sockets', KEPT_SOCKETS],
  ['kept streams', KEPT_STREAMS],
])

/** The bound of what is counted under `name`. */
export function boundOf(name: string): Bound {
  return BOUNDS.get(name) ?? COUNT
}
