import { expect, it } from 'vitest'
import { planDevnet } from '../src/devnet/plan.ts'

it('plans three authorities, then producers and consumers in turn, with ports in a row', () => {
  const plan = planDevnet({ nodes: 7, baseHttp: 8545, baseP2p: 9000 })
  expect(plan.map(({ name, role, httpPort, p2pPort }) => [name, role, httpPort, p2pPort])).toEqual([
    ['egat', 'authority', 8545, 9000],
    ['mea', 'authority', 8546, 9001],
    ['pea', 'authority', 8547, 9002],
    ['producer', 'producer', 8548, 9003],
    ['consumer', 'consumer', 8549, 9004],
    ['producer-2', 'producer', 8550, 9005],
    ['consumer-2', 'consumer', 8551, 9006],
  ])
})

it('gives every node of the largest devnet a name of its own', () => {
  const names = planDevnet({ nodes: 50, baseHttp: 1, baseP2p: 100 }).map(({ name }) => name)
  expect(new Set(names).size).toBe(50)
})

it('refuses ports above 65535', () => {
  expect(() => planDevnet({ nodes: 3, baseHttp: 65_534, baseP2p: 9000 })).toThrow('65536')
})

it('refuses a port for HTTP that is one for peers too, and takes the one beside it', () => {
  expect(() => planDevnet({ nodes: 3, baseHttp: 8000, baseP2p: 8002 })).toThrow('port 8002 for HTTP and for peers')
  expect(() => planDevnet({ nodes: 3, baseHttp: 8000, baseP2p: 7998 })).toThrow('port 8000 for HTTP and for peers')
  expect(planDevnet({ nodes: 3, baseHttp: 8000, baseP2p: 8003 })).toHaveLength(3)
})
