// Checks the packages as a user gets them: packs each one, lints the tarball, then installs all tarballs in a plain
// npm project outside the workspace, type-checks a program against their types, and runs it.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { problemKindInfo } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { publishedPackages, root } from './packages.mjs'

const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })

const work = mkdtempSync(join(tmpdir(), 'gridmesh-pack-'))
try {
  const packages = publishedPackages()
  const filters = packages.flatMap(({ folder }) => ['--filter', `./${folder}`])
  run(root, 'pnpm', '-r', ...filters, 'pack', '--pack-destination', work)
  const tarballs = readdirSync(work).map((file) => join(work, file))
  for (const tarball of tarballs) {
    const bytes = new Uint8Array(readFileSync(tarball))
    const found = [...(await published(bytes)), ...(await typed(bytes))]
    if (found.length > 0) throw new Error(`${basename(tarball)}:\n${found.join('\n')}`)
  }

  const names = packages.map(({ manifest }) => manifest.name)
  const program = [
    ...names.map((name, index) => `import * as p${index} from '${name}'`),
    `for (const exported of [${names.map((_, index) => `p${index}`).join(', ')}]) {`,
    `  if (Object.keys(exported).length === 0) throw new TypeError('a package exports nothing')`,
    '}',
  ]
  const project = mkdtempSync(join(work, 'user-'))
  const dependencies = Object.fromEntries(
    packages.map(({ manifest }) => [
      manifest.name,
      `file:${tarballs.find((path) => path.includes(fileName(manifest)))}`,
    ]),
  )
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  writeFileSync(join(project, 'use.ts'), program.join('\n'))
  const options = { module: 'nodenext', target: 'es2024', strict: true, skipLibCheck: true, types: ['node'] }
  const typeRoots = [join(root, 'node_modules', '@types')]
  const tsconfig = { compilerOptions: { ...options, typeRoots, outDir: 'out' }, files: ['use.ts'] }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
  run(project, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error')
  const tsc = ['node', join(root, 'node_modules', 'typescript', 'bin', 'tsc')]
  report(() => run(project, ...tsc, '-p', '.'))
  const ofNode = typesOfNode(join(project, 'node_modules', '@gridmesh'), tsc)
  if (ofNode.length > 0) throw new Error(`types of Node.js, which a user need not have:\n${ofNode.join('\n')}`)
  run(project, 'node', 'out/use.js')
  report(() => run(project, 'npx', '--no-install', 'gridmesh', '--version'))
} finally {
  rmSync(work, { recursive: true, force: true })
}

/**
 * What our types, away from all others, take from those of Node.js. Any dependency may bring these along, but need not. The
 * compiler has two numbers for them; all else that it misses are the dependencies.
 */
function typesOfNode(installed, [command, ...args]) {
  const cwd = join(work, 'types')
  cpSync(installed, cwd, { recursive: true })
  const entries = globSync('*/package.json', { cwd }).flatMap((file) => {
    const { exports } = JSON.parse(readFileSync(join(cwd, file), 'utf8'))
    return Object.values(exports).map(({ types }) => join(file, '..', types))
  })
  const flags = ['--noEmit', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom', '--types', '']
  const { stdout } = spawnSync(command, [...args, ...flags, ...entries], { cwd, encoding: 'utf8' })
  return stdout.split('\n').filter((line) => /error TS(2503|2591):/.test(line))
}

/** The tools print their findings to stdout: shown only when they fail. */
function report(step) {
  try {
    step()
  } catch (err) {
    process.stderr.write(err.stdout ?? '')
    throw err
  }
}

/** What publint has to say of a tarball. */
async function published(bytes) {
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true })
  return messages.map((message) => formatMessage(message, pkg, { color: false }))
}

/** What attw has to say of the types in a tarball to those who import it as a module. */
async function typed(bytes) {
  const { problems = [] } = await checkPackage(createPackageFromTarballData(bytes))
  // The two kinds of resolution that know no `exports`, or no modules.
  const foreign = new Set(['node10', 'node16-cjs'])
  const own = problems.filter(({ resolutionKind, resolutionOption, kind }) =>
    // It has no kind of resolution, only what both kinds of node16 share: simnet's scenarios import simnet by its name.
    kind === 'InternalResolutionError' ? resolutionOption !== 'node10' : !foreign.has(resolutionKind),
  )
  return own.map(({ kind, entrypoint, fileName: file, moduleSpecifier }) =>
    [problemKindInfo[kind].shortDescription, entrypoint, file, moduleSpecifier].filter(Boolean).join(' '),
  )
}

function fileName({ name, version }) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}
