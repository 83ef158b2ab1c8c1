import { vi } from 'vitest'
import { run } from '../../src/cli/run.ts'

/** What a command said. */
export interface Said {
  code: number
  stdout: string
  stderr: string
}

/** Runs `gridmesh` within this process. One at a time. */
export async function gridmesh(...args: string[]): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text)
      return true
    }),
  )
  try {
    await run(['node', 'gridmesh', ...args])
    return { ...said, code: Number(process.exitCode ?? 0) }
  } finally {
    process.exitCode = 0
    for (const spy of spies) spy.mockRestore()
  }
}

/** Runs it with `--json`, and reads what it says. */
export async function gridmeshJson(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await gridmesh(...args, '--json')
  if (code !== 0) throw new RangeError(`${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Record<string, unknown>
}
