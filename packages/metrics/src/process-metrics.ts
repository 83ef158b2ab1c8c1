import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { START_TOLERANCE_SECONDS } from './constants.ts'
import type { Instruments } from './instruments.ts'

/**
 * Registers what the process uses, under the names that prom-client and libp2p give it. Theirs are not used: they
 * start an event-loop monitor and a performance observer that nobody can stop again.
 */
export function registerProcessMetrics(instruments: Instruments): void {
  const gauge = (name: string, help: string, calculate: () => number): void => {
    instruments.metric.take(name, { help, calculate })
  }
  gauge('process_start_time_seconds', 'Start of the process, in seconds since 1970', startTime())
  gauge('process_resident_memory_bytes', 'Memory that the process holds', () => process.memoryUsage.rss())
  gauge('nodejs_memory_total_bytes', 'Memory of the machine', totalmem)
  registerCpu(instruments)
  instruments.metricGroup.take('nodejs_memory_usage_bytes', {
    label: 'memory',
    help: 'Memory of Node.js, by use',
    calculate: () => ({ ...process.memoryUsage() }),
  })
  instruments.metricGroup.take('nodejs_fs_usage_bytes', {
    label: 'filesystem',
    help: 'Disk of the working directory',
    calculate: diskUsage,
  })
  instruments.metricGroup.take('nodejs_active_resources', {
    label: 'type',
    help: 'What keeps the event loop alive, by type',
    calculate: activeResources,
  })
}

function registerCpu(instruments: Instruments): void {
  const cpu = (name: string, help: string, secondsOf: (usage: NodeJS.CpuUsage) => number): void => {
    // A calculation of a counter gives what is new; the first one, all since the process started.
    let last = { user: 0, system: 0 }
    const calculate = (): number => {
      const used = process.cpuUsage()
      const seconds = secondsOf(used) - secondsOf(last)
      last = used
      return seconds
    }
    instruments.counter.take(name, { help, calculate })
  }
  cpu('process_cpu_user_seconds_total', 'Processor time of the program', ({ user }) => user / 1e6)
  cpu('process_cpu_system_seconds_total', 'Processor time in the kernel', ({ system }) => system / 1e6)
  cpu('process_cpu_seconds_total', 'Processor time in all', ({ user, system }) => (user + system) / 1e6)
}

/** Whoever counts restarts counts the changes of this, so it stays as it was told until the clock was set by a lot. */
function startTime(): () => number {
  let told = Number.NaN
  return () => {
    const start = Math.round(Date.now() / 1_000 - process.uptime())
    if (!(Math.abs(start - told) <= START_TOLERANCE_SECONDS)) told = start
    return told
  }
}

async function diskUsage(): Promise<Record<string, number>> {
  const { bsize, blocks, bfree, bavail } = await statfs(process.cwd())
  return { total: bsize * blocks, free: bsize * bfree, available: bsize * bavail }
}

function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const type of process.getActiveResourcesInfo()) counts[type] = (counts[type] ?? 0) + 1
  return counts
}
