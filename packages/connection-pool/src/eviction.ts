/** A peer as the ranking sees it. */
export interface EvictionCandidate {
  readonly key: string
  /** Holds a reserved slot. */
  readonly isReserved: boolean
  /** -100 to 100; compared in whole points, since a faded point is no difference. */
  readonly reputation: number
  /** When its first connection came, in ms. */
  readonly openedAtMs: number
  /** Its network, or something of its own where no limit by network applies. */
  readonly group: string
  readonly latencyMs?: number | undefined
  /** When it last brought something new and valid, in ms. */
  readonly usefulAtMs?: number | undefined
  /** Since when it has been idle, in ms, where that is long enough to give way to any equal. */
  readonly idleSinceMs?: number | undefined
  readonly region?: string | undefined
  readonly role?: string | undefined
}

/** How many are protected, and by what. */
export interface Protections {
  /** Peers with the lowest latencies. */
  readonly latency: number
  /** Peers that were useful most recently. */
  readonly use: number
  /** Regions of which one peer each is protected. Peers name their region, so it has to be bounded. */
  readonly regions: number
  /** Roles of which one peer each is protected. */
  readonly roles: number
}

/**
 * Ranks whom to evict, the first to go first; who is protected is left out. The lowest reputation goes first; among
 * equals who has been idle the longest, then the youngest of the most crowded group. The order is total: no two peers
 * tie.
 */
export function rankForEviction<C extends EvictionCandidate>(candidates: readonly C[], protections: Protections): C[] {
  const spared = protectedKeys(candidates, protections)
  const crowds = new Map<string, number>()
  for (const { group } of candidates) crowds.set(group, (crowds.get(group) ?? 0) + 1)
  const crowd = ({ group }: C): number => crowds.get(group) ?? 0
  return candidates
    .filter(({ key }) => !spared.has(key))
    .toSorted((a, b) => points(a) - points(b) || longestIdleFirst(a, b) || crowd(b) - crowd(a) || youngestFirst(a, b))
}

/** Keys of the candidates that may not be evicted. */
export function protectedKeys(candidates: readonly EvictionCandidate[], protections: Protections): Set<string> {
  const byLatency = candidates
    .filter(({ latencyMs }) => latencyMs !== undefined)
    .toSorted((a, b) => (a.latencyMs ?? 0) - (b.latencyMs ?? 0) || youngestFirst(b, a))
  const byUse = candidates
    .filter(({ usefulAtMs }) => usefulAtMs !== undefined)
    .toSorted((a, b) => (b.usefulAtMs ?? 0) - (a.usefulAtMs ?? 0) || youngestFirst(b, a))
  return new Set(
    [
      ...candidates.filter(({ isReserved }) => isReserved),
      ...byLatency.slice(0, protections.latency),
      ...byUse.slice(0, protections.use),
      ...bestOfEach(candidates, ({ region }) => region, protections.regions),
      ...bestOfEach(candidates, ({ role }) => role, protections.roles),
    ].map(({ key }) => key),
  )
}

/**
 * The best peer of each name. Where there are more names than places, those whose best peer has been here the longest
 * have it: a swarm that makes names up comes too late.
 */
function bestOfEach(
  candidates: readonly EvictionCandidate[],
  nameOf: (candidate: EvictionCandidate) => string | undefined,
  places: number,
): EvictionCandidate[] {
  const best = new Map<string, EvictionCandidate>()
  for (const candidate of candidates) {
    const name = nameOf(candidate)
    if (name === undefined) continue
    const known = best.get(name)
    if (known === undefined || isBetter(candidate, known)) best.set(name, candidate)
  }
  return [...best.values()].toSorted((a, b) => youngestFirst(b, a)).slice(0, places)
}

function isBetter(a: EvictionCandidate, b: EvictionCandidate): boolean {
  return (points(b) - points(a) || youngestFirst(b, a)) < 0
}

function points({ reputation }: EvictionCandidate): number {
  return Math.round(reputation)
}

function longestIdleFirst(a: EvictionCandidate, b: EvictionCandidate): number {
  const { idleSinceMs: aSince = Number.MAX_VALUE } = a
  const { idleSinceMs: bSince = Number.MAX_VALUE } = b
  return aSince - bSince
}

function youngestFirst(a: EvictionCandidate, b: EvictionCandidate): number {
  return b.openedAtMs - a.openedAtMs || (a.key < b.key ? -1 : Number(a.key > b.key))
}
