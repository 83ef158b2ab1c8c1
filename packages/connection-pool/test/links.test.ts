import { expect, it } from 'vitest'
import { Links } from '../src/links.ts'
import { resolveOptions } from '../src/options.ts'
import { PoolState } from '../src/pool-state.ts'
import { at, FakeLibp2p, makePeerIds } from './support.ts'

const peer = at(await makePeerIds(1), 0)

it.each(['before anybody listened', 'while it was tied', 'as a connection'])(
  'lets go of a socket that closed %s',
  (when) => {
    const state = new PoolState(resolveOptions())
    const links = new Links(state)
    const socket = new FakeLibp2p().make(peer)
    if (when === 'before anybody listened') socket.end()
    links.of(socket.socket, 'inbound')
    if (when === 'as a connection') links.opened(socket.connection)
    socket.end()
    expect([...links.connected(), ...links.lost()]).toEqual([])
    expect(links.find(socket.connection)).toBeUndefined()
    expect(state.ledger.tickets.size).toBe(0)
    expect(socket.listenerCount('close')).toBe(0)
  },
)
