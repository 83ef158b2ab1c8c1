import type { ModuleServices, NodeKit, Scenario } from '@gridmesh/simnet/scenarios'
import { playScenario } from '@gridmesh/simnet/scenarios'
import type { Unicast } from '@gridmesh/interfaces'
import { expect, it } from 'vitest'
import { gridmeshKit } from '../../src/sim/kit.ts'

const MOST_SEEDS = 100
/** Some 10 s on a core of its own; the machine may have other things to do. */
const TIMEOUT_MS = 300_000
/** The service by which nodes acknowledge what came by gossip. */
const ACK_HANDLER = 'broadcast-ack'
/** The file of the broadcast that gathers acknowledgements for a while. */
const ACK_TIMER = 'ack-batcher'

/** Many messages, and each author must learn who has them. */
const talk: Scenario = {
  name: 'talk',
  about: 'nodes send each other many messages',
  nodes: { usual: 6, least: 2 },
  async play(stage) {
    await stage.gather()
    await stage.prove('talk', { count: 40, everyMs: 100 })
  },
}

/** Plays with one seed after the other until a law is broken; it must hold with that seed and whole modules. */
async function lawThatShows(kit: NodeKit): Promise<string | undefined> {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const [first] = (await playScenario(talk, { kit, seed })).violations
    if (first === undefined) continue
    expect((await playScenario(talk, { kit: gridmeshKit, seed })).violations).toEqual([])
    return first.invariant
  }
  return undefined
}

/** A kit like Gridmesh's, with something broken in each node. */
function breaking(change: (services: Partial<Factories>) => Partial<Factories>): NodeKit {
  return {
    ...gridmeshKit,
    build: (plan, settings) => {
      const { services = {}, ...options } = gridmeshKit.build(plan, settings)
      return { ...options, services: change(services) }
    },
  }
}
type Factories = { [K in keyof ModuleServices]: (components: never) => ModuleServices[K] }

it('finds nothing in modules that are whole', async () => {
  const { violations, deliveredRatio } = await playScenario(talk, { kit: gridmeshKit, seed: 1 })
  expect(violations).toEqual([])
  expect(deliveredRatio).toBe(1)
})

it(
  'finds an acknowledgement in a thousand that is dropped, within 100 seeds',
  async () => {
    let count = 0
    const deaf = (unicast: Unicast): Unicast => {
      const handle = unicast.handle.bind(unicast)
      unicast.handle = (name, handler) => {
        handle(name, (...call) => (name === ACK_HANDLER && ++count % 1_000 === 0 ? undefined : handler(...call)))
      }
      return unicast
    }
    const kit = breaking(({ unicast, ...rest }) => {
      return unicast === undefined ? rest : { ...rest, unicast: (components) => deaf(unicast(components)) }
    })
    expect(await lawThatShows(kit)).toBe('talk: confirmed')
  },
  TIMEOUT_MS,
)

it(
  'finds a module that forgets a timer in a thousand, within 100 seeds',
  async () => {
    let count = 0
    let forgetful: typeof setTimeout | undefined
    const kit = breaking((services) => {
      // Inside the run, where the timers are the simulator's; it takes them back when the run ends.
      if (globalThis.setTimeout !== forgetful) {
        const real = globalThis.setTimeout
        const plan = (...args: Parameters<typeof real>): ReturnType<typeof real> => {
          const isForgotten = (new Error('here').stack ?? '').includes(ACK_TIMER) && ++count % 1_000 === 0
          return isForgotten ? real(() => {}, args[1]) : real(...args)
        }
        forgetful = globalThis.setTimeout = Object.assign(plan, real)
      }
      return services
    })
    expect(await lawThatShows(kit)).toBe('talk: confirmed')
  },
  TIMEOUT_MS,
)
