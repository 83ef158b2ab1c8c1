import { UsageError } from '../cli/errors.ts'

/** The zones of a devnet, one for each of Thailand's regions. */
export const ZONES = ['north', 'northeast', 'central', 'east', 'west', 'south', 'bangkok'] as const

/** One node of a devnet before it exists. */
export interface PlannedNode {
  name: string
  role: 'authority' | 'producer' | 'consumer'
  region: string
  httpPort: number
  p2pPort: number
}

/** The utilities that are the authorities: generation, the metropolitan grid, the provincial grid. */
const AUTHORITIES = [
  { name: 'egat', region: 'central' },
  { name: 'mea', region: 'bangkok' },
  { name: 'pea', region: 'north' },
] as const

/**
 * Names, roles, regions and ports: three authorities, then producers and consumers in turn.
 * @throws {UsageError} when a port would be above 65535, or one of both kinds
 */
export function planDevnet({
  nodes,
  baseHttp,
  baseP2p,
}: {
  nodes: number
  baseHttp: number
  baseP2p: number
}): PlannedNode[] {
  const last = Math.max(baseHttp, baseP2p) + nodes - 1
  if (last > 65_535) throw new UsageError(`${nodes} nodes would need port ${last}, and 65535 is the highest`)
  if (Math.abs(baseHttp - baseP2p) < nodes) {
    const both = Math.max(baseHttp, baseP2p)
    throw new UsageError(
      `${nodes} nodes would need port ${both} for HTTP and for peers: --base-http is ${baseHttp}, --base-p2p ${baseP2p}`,
    )
  }
  return Array.from({ length: nodes }, (_, index) => {
    const ports = { httpPort: baseHttp + index, p2pPort: baseP2p + index }
    const authority = AUTHORITIES[index]
    if (authority !== undefined) return { ...authority, role: 'authority', ...ports }
    const nth = Math.floor((index - AUTHORITIES.length) / 2) + 1
    const role = (index - AUTHORITIES.length) % 2 === 0 ? 'producer' : 'consumer'
    const region = ZONES[index % ZONES.length] ?? ZONES[0]
    return { name: nth === 1 ? role : `${role}-${nth}`, role, region, ...ports }
  })
}
