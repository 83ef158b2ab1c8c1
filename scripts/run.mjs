// Runs one root script under a new enough Node and pnpm: the machine's own where
// they are new enough, else pinned ones put into .toolchain/ from the npm registry.
// Must itself run on old Node (18+) with nothing installed.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE = '24.21.0'
const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const PNPM = manifest.packageManager.split('@')[1].split('+')[0]
const tools = join(root, '.toolchain')
const win = process.platform === 'win32'

// npm's npm_* variables (user agent, npm_config_call...) would leak into every child.
const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^npm_/i.test(k)))
const PATH = Object.keys(env).find((k) => k.toUpperCase() === 'PATH') ?? 'PATH'
env.TURBO_TELEMETRY_DISABLED ??= '1'

// Where all is installed and built there is hardly anything left to do, and to tell: a command of a user says what it has to say.
const isQuiet =
  existsSync(join(root, 'node_modules', '.modules.yaml')) && existsSync(join(root, 'apps/node/dist/main.js'))
const MAX_TOLD_BYTES = 67_108_864

function step(cmd, args) {
  // To stderr: stdout belongs to the app, whose output may be JSON for a machine.
  const stdio = isQuiet ? ['inherit', 'pipe', 'pipe'] : ['inherit', 2, 'inherit']
  const options = { cwd: root, env, stdio, shell: win, maxBuffer: MAX_TOLD_BYTES }
  const { status, error, stdout, stderr } = spawnSync(cmd, args, options)
  if (error !== undefined || status !== 0) {
    for (const told of [stdout, stderr]) if (told) process.stderr.write(told)
    console.error(`\n${cmd} ${args.join(' ')} failed: ${error?.message ?? status}`)
    process.exit(status ?? 1)
  }
}

const [major, minor] = process.versions.node.split('.').map(Number)
const nodeOk = (major === 22 && minor >= 18) || major === 24 || major >= 26
const found = spawnSync('pnpm', ['--version'], { cwd: root, env, encoding: 'utf8', shell: win })
const pnpmOk = found.status === 0 && Number.parseInt(found.stdout, 10) >= Number.parseInt(PNPM, 10)

const want = []
if (!nodeOk) want.push(`node-${win ? 'win' : process.platform}-${process.arch}@${NODE}`)
if (!pnpmOk) want.push(`pnpm@${PNPM}`)
if (want.length > 0) {
  const stamp = join(tools, 'stamp')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== want.join(' ')) {
    console.error(`Fetching ${want.join(' and ')} into .toolchain/`)
    rmSync(tools, { recursive: true, force: true })
    mkdirSync(tools, { recursive: true })
    writeFileSync(join(tools, 'package.json'), '{"private":true}\n')
    step('npm', [
      'install',
      '--prefix',
      tools,
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--loglevel=error',
      ...want,
    ])
    // pnpm's only install script; npm 12 would skip it and leave a stub turbo cannot spawn.
    if (!pnpmOk) step('node', [join(tools, 'node_modules', 'pnpm', 'install.js')])
    writeFileSync(stamp, want.join(' '))
  }
  env[PATH] = join(tools, 'node_modules', '.bin') + delimiter + env[PATH]
}

const args = process.argv.slice(2)
const dash = args.indexOf('--')
// The lockfile was vetted when written; re-vetting needs the registry and hangs offline.
step('pnpm', ['install', '--frozen-lockfile', '--config.minimumReleaseAge=0'])
if (dash === -1) {
  step('pnpm', ['run', ...args])
} else {
  if (dash > 0) step('pnpm', ['run', ...args.slice(0, dash)])
  // The app is our direct child, so that a signal for us reaches it; pnpm's sh would swallow it.
  const [cmd, ...rest] = args.slice(dash + 1)
  const child = spawn(cmd, rest, { cwd: root, env, stdio: 'inherit' })
  for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(s, () => child.kill(s))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}
