import { Document, isMap, isScalar } from 'yaml'
import { treeOf } from './loaded-config.ts'
import { formatPath } from './paths.ts'
import type { Config, ConfigEntry, Origin } from './types.ts'

/**
 * Writes a configuration as YAML, secrets redacted, each value with a comment that says where it came from. A setting
 * that is optional and not set is a comment alone.
 */
export function toYaml(config: Config<unknown>): string {
  const entries = config.entries()
  const document = new Document(treeOf(entries), { aliasDuplicateObjects: false })
  for (const entry of entries) {
    if (entry.value === undefined) noteUnset(document, entry)
    else annotate(document, entry)
  }
  return document.toString({ lineWidth: 0 })
}

function annotate(document: Document, { keys, origin }: ConfigEntry): void {
  const node = document.getIn(keys, true)
  if (isScalar(node)) {
    node.comment = ` ${inWords(origin)}`
    return
  }
  // A comment behind a list would stand at its last line, so it goes above the key.
  const around = document.getIn(keys.slice(0, -1), true)
  const map = keys.length > 1 ? around : document.contents
  if (!isMap(map)) return
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === keys.at(-1))
  if (pair != null && isScalar(pair.key)) pair.key.commentBefore = ` ${inWords(origin)}`
}

function noteUnset(document: Document, { keys }: ConfigEntry): void {
  const around = keys.length > 1 ? document.getIn(keys.slice(0, -1), true) : document.contents
  const line = ` ${formatPath(keys.slice(-1))}: not set`
  if (!isMap(around)) return
  around.comment = around.comment == null ? line : `${around.comment}\n${line}`
}

function inWords({ source, where }: Origin): string {
  return where == null ? source : `${source}, ${where}`
}
