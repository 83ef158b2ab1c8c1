import type { Hello } from '@gridmesh/interfaces'

/** What a peer says of itself. */
export function helloOf(capabilities: readonly string[] = []): Hello {
  return {
    protocol: { min: 1, max: 1 },
    chainId: 'test',
    genesisHash: '00',
    height: 0,
    tipHash: '00',
    role: 'node',
    region: 'central',
    capabilities: [...capabilities],
    listenAddresses: [],
    userAgent: 'gridmesh',
    timeMs: 0,
  }
}
