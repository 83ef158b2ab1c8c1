// Type-checks every ```ts block of every README: a program that a reader copies must compile.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from './packages.mjs'

const BLOCK = /^```ts\n([\s\S]*?)^```$/gm

let failed = false
for (const { folder } of publishedPackages()) {
  const readme = join(root, folder, 'README.md')
  const blocks = existsSync(readme) ? [...readFileSync(readme, 'utf8').matchAll(BLOCK)].map(([, code]) => code) : []
  if (blocks.length === 0) {
    console.error(`${folder}/README.md shows no program`)
    failed = true
    continue
  }
  // Inside the package, so that imports resolve as they do for it.
  const work = join(root, folder, '.readme')
  try {
    mkdirSync(work, { recursive: true })
    blocks.forEach((code, index) => writeFileSync(join(work, `block-${index + 1}.ts`), code))
    const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false }
    writeFileSync(
      join(work, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.base.json', compilerOptions }),
    )
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { status, stdout } = spawnSync('node', [tsc, '-p', work], { cwd: root, encoding: 'utf8' })
    if (status !== 0) {
      console.error(`${folder}/README.md:\n${stdout}`)
      failed = true
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
if (failed) process.exit(1)
