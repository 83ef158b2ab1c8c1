// Type-checks every ```ts block of every README: a program that a reader copies must compile, with no more installed than
// the README says.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { publishedPackages, root } from './packages.mjs'

const BLOCK = /^```ts\n([\s\S]*?)^```$/gm
const IMPORT = /^(?:import|export) .*?from '([^'.][^']*)'|^} from '([^'.][^']*)'/gm
const INSTALL = /^npm install (.*)$/gm

const work = []
const files = []
let failed = false
try {
  for (const { folder } of publishedPackages()) {
    const readme = join(root, folder, 'README.md')
    const blocks = existsSync(readme) ? [...readFileSync(readme, 'utf8').matchAll(BLOCK)].map(([, code]) => code) : []
    if (blocks.length === 0) {
      console.error(`${folder}/README.md shows no program`)
      failed = true
      continue
    }
    for (const name of notInstalled(readFileSync(readme, 'utf8'), blocks)) {
      console.error(`${folder}/README.md shows a program with ${name}, which its \`npm install\` leaves out`)
      failed = true
    }
    // Inside the package, so that imports resolve as they do for it.
    const place = join(root, folder, '.readme')
    mkdirSync(place, { recursive: true })
    work.push(place)
    blocks.forEach((code, index) => {
      const file = join(place, `block-${index + 1}.ts`)
      writeFileSync(file, code)
      files.push(file)
    })
  }
  // One program for all of them: what they import is read once.
  const project = join(root, '.readme')
  mkdirSync(project, { recursive: true })
  work.push(project)
  const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false }
  const tsconfig = { extends: '../tsconfig.base.json', compilerOptions, files }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync('node', [tsc, '-p', project], { cwd: root, encoding: 'utf8' })
  if (status !== 0) {
    console.error(stdout)
    failed = true
  }
} finally {
  for (const place of work) rmSync(place, { recursive: true, force: true })
}
if (failed) process.exit(1)

/** The packages that the programs of a README import, and the command it gives does not install. */
function notInstalled(text, blocks) {
  const installed = new Set([...text.matchAll(INSTALL)].flatMap(([, names]) => names.split(' ')))
  const imported = blocks
    .flatMap((code) => [...code.matchAll(IMPORT)].map((match) => match[1] ?? match[2]))
    .filter((specifier) => !specifier.startsWith('node:'))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
  return [...new Set(imported)].filter((name) => !installed.has(name))
}
