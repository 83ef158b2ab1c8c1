// Some nodes of a fleet: nodes as in production, that tell their parent when they have enough peers.
import { type GridmeshNode, createNode, loadNodeConfig } from '@gridmesh/node'
import { searchOf } from './search.ts'

/** What the parent tells. */
export type ToFleet = { type: 'start' } | { type: 'restart'; name: string }
/** What it is told. */
export type FromFleet =
  | { type: 'loaded' }
  | { type: 'started' }
  | { type: 'minimum'; name: string; isMet: boolean; afterMs: number }
  | { type: 'target'; name: string; afterMs: number }

const TARGET_POLL_MS = 50
const [, , settings = '{}', gapMs = '0', ...files] = process.argv
const flags = { 'logs.level': 'error', 'logs.format': 'pretty', ...(JSON.parse(settings) as object) }
const running = new Map<string, GridmeshNode>()
const polls = new Map<string, NodeJS.Timeout>()

// A parent that is gone hears nothing; the nodes stop when the channel closes.
const tell = (message: FromFleet): void => void process.send?.(message, () => {})

process.on('message', (message: ToFleet) => {
  if (message.type === 'start') void startAll()
  else void restart(message.name)
})
process.on('disconnect', () => {
  void Promise.all([...running.keys()].map(stop)).then(() => process.exit())
})
tell({ type: 'loaded' })

async function startAll(): Promise<void> {
  for (const file of files) {
    await start(file)
    await new Promise((resolve) => setTimeout(resolve, Number(gapMs)))
  }
  tell({ type: 'started' })
}

async function start(file: string): Promise<void> {
  const { config } = loadNodeConfig({ file, profile: 'gridtokenx', flags })
  const { name } = config
  const node = await createNode({ config })
  running.set(name, node)
  const search = searchOf(node)
  const from = performance.now()
  const afterMs = (): number => performance.now() - from
  search.addEventListener('discovery:minimum', ({ detail: { isMet } }) => {
    tell({ type: 'minimum', name, isMet, afterMs: afterMs() })
  })
  polls.set(
    name,
    setInterval(() => {
      if (search.stats().timeToTargetMs === undefined) return
      clearInterval(polls.get(name))
      tell({ type: 'target', name, afterMs: afterMs() })
    }, TARGET_POLL_MS),
  )
  await node.start()
}

async function stop(name: string): Promise<void> {
  clearInterval(polls.get(name))
  await running.get(name)?.stop()
  running.delete(name)
}

async function restart(name: string): Promise<void> {
  await stop(name)
  const file = files.find((path) => path.includes(`/${name}/`))
  if (file !== undefined) await start(file)
}
