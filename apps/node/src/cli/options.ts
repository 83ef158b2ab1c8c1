import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { readManifest } from '../devnet/manifest.ts'
import { HEADER_TEXT } from '../config/header-text.ts'
import { UnusableFileError, fileProblem } from '../errors.ts'
import { NodeClient } from './client.ts'
import { fromDigits } from './digits.ts'
import { UsageError } from './errors.ts'

/** Directory of a devnet that names none. */
export const DEFAULT_DATA = '.devnet'

/** Options of every command that talks to a running node. */
export interface NodeOptions {
  url?: string
  node?: string
  data: string
  tokenFile?: string
  json?: boolean
}

/** Adds the options that name the node to talk to. */
export function withNodeOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'node to talk to').env('GRIDMESH_URL').default('http://127.0.0.1:8545'))
    .option('--node <name>', 'node of a devnet, by name, instead of --url')
    .option('--data <dir>', 'data directory of the devnet', DEFAULT_DATA)
    .option('--token-file <file>', 'file with the bearer token of the node')
    .option('--json', 'print JSON for machines')
}

/** The client for the node that the options name. @throws {UsageError} @throws {UnusableFileError} */
export function clientOf({ url, node, data, tokenFile }: NodeOptions): NodeClient {
  const token = tokenFile === undefined ? undefined : readToken(tokenFile)
  if (node === undefined) return new NodeClient(checkedUrl(url ?? ''), token)
  const { nodes } = readManifest(data)
  const found = nodes.find(({ name }) => name === node)
  if (found === undefined) {
    throw new UsageError(`The devnet has no node "${node}"; it has ${nodes.map(({ name }) => name).join(', ')}`)
  }
  return new NodeClient(found.url, token)
}

function checkedUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(`Expected --url or GRIDMESH_URL to be a URL such as http://127.0.0.1:8545, got "${text}"`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('Expected --url or GRIDMESH_URL to be a URL without a user; a token goes by --token-file')
  }
  return text
}

function readToken(path: string): string {
  let token: string
  try {
    token = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    throw fileProblem('token file', path, cause)
  }
  if (HEADER_TEXT.test(token)) return token
  throw new UnusableFileError(
    'token file',
    path,
    'expected one line of printable ASCII characters, as a header can carry',
  )
}

/** Collects a repeatable `path=value` option. @throws {UsageError} */
export function collectSetting(text: string, before: Record<string, string>): Record<string, string> {
  const [, path, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (path === undefined || value === undefined) throw new UsageError(`Expected --set path=value, got "${text}"`)
  return { ...before, [path]: value }
}

/** Reads a whole number from the command line. @throws {UsageError} */
export function wholeNumber(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = fromDigits(text)
    if (value !== undefined && value >= min && value <= max) return value
    throw new UsageError(`Expected --${name} to be a whole number from ${min} to ${max}, got "${text}"`)
  }
}
