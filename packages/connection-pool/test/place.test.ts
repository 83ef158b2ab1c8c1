import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { placeOf } from '../src/place.ts'

describe('placeOf', () => {
  it.each([
    ['/ip4/198.51.100.7/tcp/1', '198.51.100.7', '198.51.100.0/24'],
    ['/ip4/198.51.100.7/udp/1/quic-v1', '198.51.100.7', '198.51.100.0/24'],
    ['/ip6/2001:db8:1:2:3:4:5:6/tcp/1', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['/ip6/2001:db8::1/tcp/1', '2001:db8:0:0::/64', '2001:db8:0::/48'],
    ['/ip6/::1/tcp/1', '0:0:0:0::/64', '0:0:0::/48'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'fe80:0:0:0::/64', 'fe80:0:0::/48'],
    ['/ip6/::ffff:198.51.100.7/tcp/1', '198.51.100.7', '198.51.100.0/24'],
    ['/ip6/::ffff:c633:6407/tcp/1', '198.51.100.7', '198.51.100.0/24'],
    // So are all IPv4 peers to a node behind NAT64.
    ['/ip6/64:ff9b::c633:6407/tcp/1', '198.51.100.7', '198.51.100.0/24'],
    ['/dns4/peer.example/tcp/1', 'peer.example', 'peer.example'],
    ['/dns4/A.b.Peer.Example./tcp/443/wss', 'a.b.peer.example', 'peer.example'],
    ['/dns4/0177.0.0.1/tcp/1', '127.0.0.1', '127.0.0.0/24'],
    ['/dns4/127.0.000.01/tcp/1', '127.0.0.1', '127.0.0.0/24'],
    ['/dns4/0x7F000001/tcp/1', '127.0.0.1', '127.0.0.0/24'],
    ['/dns6/2130706433/tcp/1', '127.0.0.1', '127.0.0.0/24'],
    ['/dns/１２7。1/tcp/1', '127.0.0.1', '127.0.0.0/24'],
    ['/dns6/2001:db8:1:2::7/tcp/443/wss', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['/dns/::ffff:198.51.100.7/tcp/443/wss', '198.51.100.7', '198.51.100.0/24'],
    // What no resolver takes is one place for all.
    ['/dns4/a#.peer.example/tcp/1', '', ''],
    ['/dns4/999.1.1.1/tcp/1', '', ''],
    [
      '/ip4/198.51.100.7/tcp/1/p2p/12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu/p2p-circuit',
      '198.51.100.7',
      '198.51.100.0/24',
    ],
  ])('puts %s at %s in %s', (address, ip, network) => {
    expect(placeOf(multiaddr(address), false)).toEqual({ ip, network })
  })

  it.each(['/memory/a', '/unix/tmp%2Fa.sock'])('knows no place for %s, which has no IP', (address) => {
    expect(placeOf(multiaddr(address), false)).toBeUndefined()
  })

  it('exempts loopback only when asked to', () => {
    for (const address of [
      '/ip4/127.0.0.9/tcp/1',
      '/ip6/::1/tcp/1',
      '/dns6/::1/tcp/1',
      '/dns4/localhost/tcp/1',
      '/dns4/0x7f.1/tcp/1',
    ]) {
      expect(placeOf(multiaddr(address), true)).toBeUndefined()
      expect(placeOf(multiaddr(address), false)).toBeDefined()
    }
    expect(placeOf(multiaddr('/ip4/10.0.0.1/tcp/1'), true)).toBeDefined()
  })

  it('gives two hosts of one IPv6 /64 one place, and two /64 of one /48 one network', () => {
    const [a, b, c] = ['2001:db8:1:2::a', '2001:db8:1:2:ffff::', '2001:db8:1:3::a'].map((ip) =>
      placeOf(multiaddr(`/ip6/${ip}/tcp/1`), false),
    )
    expect(a).toEqual(b)
    expect(a?.ip).not.toBe(c?.ip)
    expect(a?.network).toBe(c?.network)
  })
})
