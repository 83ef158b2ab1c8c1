import type { ModuleServices, NodeKit, Scenario } from '@gridmesh/simnet/scenarios'
import { playScenario, scenarios } from '@gridmesh/simnet/scenarios'
import type { Unicast } from '@gridmesh/interfaces'
import type { Startable } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { gridmeshKit } from '../../src/sim/kit.ts'

const MOST_SEEDS = 100
/** Where all has to go wrong that can, one seed in ten may be lucky. */
const FEW_SEEDS = 6
/** Some 10 s on a core of its own; the machine may have other things to do. */
const TIMEOUT_MS = 300_000
/** The service by which nodes acknowledge what came by gossip. */
const ACK_HANDLER = 'broadcast-ack'
const TREE_CONTROL_HANDLER = 'broadcast-tree-control'
/** The handlers of nodes that answer, and of those that are called too often. */
const [ECHO, COUNTED] = ['sim-echo', 'sim-counted']
/** From when on a network has been apart for a while, and how long, in ms. */
const [APART_FROM_MS, APART_UNTIL_MS] = [30_000, 110_000]
/** More nodes than each may remember, and how many of them are the way in. */
const [CROWD, ENTRIES] = [24, 3]
/** The file of the broadcast that gathers acknowledgements for a while. */
const ACK_TIMER = 'id-batcher'

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

/** What is broken about one module, and the scenario that finds it by a law. */
interface Broken {
  who: string
  play: Scenario
  law: string
  change: (services: Partial<Factories>) => Partial<Factories>
}

/** Nobody waits for what is said last. */
const lastWords: Scenario = {
  name: 'last-words',
  about: 'nodes talk until the end',
  nodes: { usual: 4, least: 2 },
  async play(stage) {
    await stage.gather()
    stage.chatter({ everyMs: 100 })()
  },
}

/** Peers are found that do not fit. */
const crowd: Scenario = {
  name: 'crowd',
  about: 'more nodes than each may remember',
  nodes: { usual: CROWD, least: CROWD },
  // Those through which the others come have room for all.
  settings: (_cast, index) => (index < ENTRIES ? {} : { maxPeers: 20, maxInbound: 6 }),
  async play(stage) {
    await stage.gather()
    await stage.clock.sleep(20_000)
  },
}

/** A scenario of the simulator, with as few nodes as it takes. */
function shipped(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name)
  if (found === undefined) throw new RangeError(`There is no scenario ${name}`)
  return { ...found, nodes: { ...found.nodes, usual: found.nodes.least } }
}

/** Another module in the place of one. */
function replacing<K extends keyof ModuleServices>(
  name: K,
  change: (module: ModuleServices[K]) => Partial<ModuleServices[K]>,
): Broken['change'] {
  return (services) => {
    const make = services[name]
    if (make === undefined) return services
    const broken = (components: never): ModuleServices[K] => {
      const whole = make(components)
      return Object.assign(whole, change(whole))
    }
    return { ...services, [name]: broken }
  }
}

/** A service more, of which something is wrong when it stops. */
function beside(service: Startable): Broken['change'] {
  return (services) => ({ ...services, ballast: () => service })
}

async function never<T>(): Promise<T> {
  return new Promise<T>(() => {})
}

/** Calls of one handler are in vain. */
function cutOff(name: string): Broken['change'] {
  return replacing('unicast', (unicast) => {
    const [request, send] = [unicast.request.bind(unicast), unicast.send.bind(unicast)]
    return {
      request: async (...args) => (args[1] === name ? Promise.reject(new LostError()) : request(...args)),
      send: async (...args) => (args[1] === name ? Promise.reject(new LostError()) : send(...args)),
    }
  })
}

class LostError extends Error {
  override readonly name = 'LostError'
}

const mute = replacing('messages', (messages) => {
  const broadcast = messages.broadcast.bind(messages)
  return {
    broadcast: async (...args) => {
      const isApart = performance.now() > APART_FROM_MS && performance.now() < APART_UNTIL_MS
      return isApart ? never() : broadcast(...args)
    },
  }
})

const BROKEN: Broken[] = [
  { who: 'calls that all fail', play: talk, law: 'talk: answered', change: cutOff(ECHO) },
  {
    who: 'calls that fail while links lose much',
    play: shipped('lossy-links'),
    law: 'calls-answered',
    change: cutOff(ECHO),
  },
  {
    who: 'calls that do not end, when the scenario does',
    play: lastWords,
    law: 'call-ends',
    change: replacing('unicast', () => ({ request: never })),
  },
  {
    who: 'a publish that has no result, when the scenario ends',
    play: lastWords,
    law: 'publish-accounted',
    change: replacing('messages', () => ({ broadcast: never })),
  },
  { who: 'silence in a network that is apart', play: shipped('partition-two'), law: 'part 0: delivered', change: mute },
  {
    who: 'full nodes that tell newcomers of nobody else',
    play: shipped('full-entries'),
    law: 'gathered',
    change: replacing('discovery', () => ({ referrals: async () => [] })),
  },
  {
    who: 'nodes that ask for nothing that does not come by itself',
    play: shipped('tree-withheld'),
    law: 'withheld: under attack: delivered',
    change: replacing('unicast', (unicast) => {
      const send = unicast.send.bind(unicast)
      return { send: async (...args) => (args[1] === TREE_CONTROL_HANDLER ? never() : send(...args)) }
    }),
  },
  {
    who: 'bulk messages that nobody sends',
    play: shipped('emergency-flood'),
    law: 'links-loaded',
    change: replacing('messages', (messages) => {
      const broadcast = messages.broadcast.bind(messages)
      return { broadcast: async (...args) => (args[0].lane === 'bulk' ? never() : broadcast(...args)) }
    }),
  },
  {
    who: 'attackers that do nothing',
    play: { ...shipped('sybil'), conduct: () => 'pass' },
    law: 'sybil: attacked',
    change: (services) => services,
  },
  {
    who: 'calls of which none gets through',
    play: shipped('rate-limit-abuse'),
    law: 'rate-served',
    change: cutOff(COUNTED),
  },
  {
    who: 'a limit that lets all through',
    play: shipped('rate-limit-abuse'),
    law: 'rate-held',
    change: replacing('rateLimiter', () => ({ take: () => ({ ok: true }) })),
  },
  {
    who: 'a service that never stops',
    play: shipped('mass-restart'),
    law: 'stops',
    change: beside({ start: () => {}, stop: never }),
  },
  {
    who: 'a service that cannot stop',
    play: shipped('mass-restart'),
    law: 'stops',
    change: beside({ start: () => {}, stop: async () => Promise.reject(new LostError()) }),
  },
  {
    who: 'a service that leaves an interval',
    play: shipped('mass-restart'),
    law: 'stopped-leaves-no-timer',
    change: beside({ start: () => void setInterval(() => {}, APART_FROM_MS), stop: () => {} }),
  },
]

it.each(BROKEN)(
  'finds $who by the law $law',
  async ({ play, law, change }) => {
    const kit = breaking(change)
    const broken = new Set<string>()
    for (let seed = 1; seed <= FEW_SEEDS && !broken.has(law); seed++) {
      const { violations } = await playScenario(play, { kit, seed })
      for (const { invariant } of violations) broken.add(invariant)
    }
    expect([...broken]).toContain(law)
  },
  TIMEOUT_MS,
)

it.each([
  ['eclipse-publishers', 'a quarter of the honest nodes', 2],
  ['censorship', 'the one that is censored', 1],
])(
  'lets those write who are attacked, in %s: %s',
  async (name, _who, targets) => {
    const { violations, observations } = await playScenario(shipped(name), { kit: gridmeshKit, seed: 1 })
    expect(violations).toEqual([])
    // Five messages and five alarms; then all write.
    const ids = [...new Set(observations.map(({ id }) => id))].slice(0, 10)
    const authors = ids.map((id) => Number(id.split('-')[1]))
    expect(authors.filter((author) => author >= targets)).toEqual([])
  },
  TIMEOUT_MS,
)

it('finds nothing in modules that are whole, when a scenario ends in the middle of a talk', async () => {
  expect((await playScenario(lastWords, { kit: gridmeshKit, seed: 1 })).violations).toEqual([])
})

it(
  'finds tables that hold more than they may, and none where modules are whole',
  async () => {
    const kit: NodeKit = {
      ...gridmeshKit,
      build: (plan, settings) => gridmeshKit.build(plan, { ...settings, maxPeers: CROWD, maxInbound: CROWD }),
    }
    const { violations } = await playScenario(crowd, { kit, seed: 1 })
    const found = violations.find(({ invariant }) => invariant === 'memory-bounded')
    expect(found?.message).toMatch(/^Node \d+ holds \d+ of .*, at most \d+ are allowed$/)
    expect((await playScenario(crowd, { kit: gridmeshKit, seed: 1 })).violations).toEqual([])
  },
  TIMEOUT_MS,
)
