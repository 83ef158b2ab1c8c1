import { CODE_P2P, multiaddr, type Multiaddr } from '@multiformats/multiaddr'

/** The addresses of a peer as libp2p wants them: each ending in its id. Those that end in another's are left out. */
export function ownAddresses(key: string, addresses: readonly Multiaddr[]): Multiaddr[] {
  return addresses.flatMap((address) => {
    const last = address.getComponents().at(-1)
    if (last?.code !== CODE_P2P) return [address.encapsulate(multiaddr(`/p2p/${key}`))]
    return last.value === key ? [address] : []
  })
}

/** Whether libp2p gave a dial up because a gater told it to, at every address. */
export function wasDenied(err: unknown): boolean {
  if (err instanceof AggregateError) return err.errors.length > 0 && err.errors.every(wasDenied)
  return err instanceof Error && (err.name === 'DialDeniedError' || err.name === 'ConnectionInterceptedError')
}
