// Runs every example, each in a process of its own: it passes when it ends by itself with exit code 0 within its time.
// Fails as well when a published package is imported by no example.
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishedPackages } from '../scripts/packages.mjs'

const DEADLINE_MS = 120_000
/** Examples at once: they wait more than they compute, but a crowded machine would stretch what they wait for. */
const MAX_RUNNING = 2
const IMPORT = /^\s*(?:import|export)\b[^'";]*?['"](@gridmesh\/[a-z-]+)[^'"]*['"]/gm

const folder = fileURLToPath(new URL('.', import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
let failed = 0

const imported = new Set(
  files.flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(IMPORT)].map(([, name]) => name)),
)
for (const { folder: place, manifest } of publishedPackages()) {
  if (!place.startsWith('packages/') || imported.has(manifest.name)) continue
  console.log(`FAILED ${manifest.name} is imported by no example`)
  failed++
}

function run(file) {
  return new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(process.execPath, [file], { cwd: folder, timeout: DEADLINE_MS, killSignal: 'SIGKILL' })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('close', (code) => resolve({ code, output, tookMs: performance.now() - started }))
  })
}

async function runNext() {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const { code, output, tookMs } = await run(file)
    const isLate = tookMs >= DEADLINE_MS
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${file} (${(tookMs / 1_000).toFixed(1)} s)`)
    if (code === 0) continue
    failed++
    console.log(isLate ? `${output}It was still running after ${DEADLINE_MS / 1_000} s.` : output)
  }
}

await Promise.all(Array.from({ length: MAX_RUNNING }, runNext))
process.exit(failed === 0 ? 0 : 1)
