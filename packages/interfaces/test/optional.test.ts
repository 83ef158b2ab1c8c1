import { yamux } from '@libp2p/yamux'
import { plaintext } from '@libp2p/plaintext'
import { memory } from '@libp2p/memory'
import { defaultLogger } from '@libp2p/logger'
import type { ComponentLogger } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { optional, requireName } from '../src/index.ts'

interface Components {
  logger: ComponentLogger
  sibling?: string
}

it('gives a service that is there, and undefined for one that libp2p does not have', async () => {
  const seen: unknown[] = []
  const look = (components: Components) => ({
    start: () => void seen.push(optional(components, 'sibling')),
    stop: () => {},
  })
  const network = { transports: [memory()], connectionEncrypters: [plaintext()], streamMuxers: [yamux()] }
  const without = await createLibp2p({ ...network, services: { look } })
  const beside = await createLibp2p({ ...network, services: { look, sibling: () => 'here' } })
  expect(seen).toEqual([undefined, 'here'])
  await Promise.all([without.stop(), beside.stop()])
})

it('lets any other error through', () => {
  const broken: Components = {
    logger: defaultLogger(),
    get sibling(): string {
      throw new RangeError('broken')
    },
  }
  expect(() => optional(broken, 'sibling')).toThrow(RangeError)
})

const needy = (components: Components) => ({
  start: () => requireName(components, 'sibling'),
  stop: () => {},
})

it('fails a node without a service of the name that is required, and lets hand-made components pass', async () => {
  const network = { transports: [memory()], connectionEncrypters: [plaintext()], streamMuxers: [yamux()] }
  const beside = await createLibp2p({ ...network, services: { needy, sibling: () => 'here' } })
  await beside.stop()
  const without = await createLibp2p({ ...network, start: false, services: { needy, brother: () => 'here' } })
  await expect(without.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'sibling' })
  expect(without.status).toBe('stopped')
  expect(() => requireName({}, 'sibling')).not.toThrow()
})
