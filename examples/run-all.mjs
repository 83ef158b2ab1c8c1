// Runs every example, each in a process of its own: it passes when it ends with exit code 0 within its time.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DEADLINE_MS = 30_000
const folder = fileURLToPath(new URL('.', import.meta.url))

let failed = 0
for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: folder,
    encoding: 'utf8',
    timeout: DEADLINE_MS,
  })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${file}`)
  if (status !== 0) {
    failed++
    console.log(`${stdout}${stderr}`)
  }
}
process.exit(failed === 0 ? 0 : 1)
