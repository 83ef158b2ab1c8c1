#!/usr/bin/env node
// Runs before anything else is loaded: on an old Node the rest would fail deep inside with a riddle.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(`gridmesh needs Node.js 22.12 or newer; this is ${process.version} (${process.execPath})\n`)
  process.exit(1)
}

const { endWithoutOutput } = await import('./cli/lost-output.ts')
endWithoutOutput(process)
const { run } = await import('./cli/run.ts')
await run(process.argv)
