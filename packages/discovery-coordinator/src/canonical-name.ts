import { domainToASCII } from 'node:url'

/** ASCII that no host name has; `domainToASCII` would take it for the end of the name, or for something before it. */
const FOREIGN = /[^\w.\-\u0080-\u{10ffff}]/u

/**
 * One spelling for all spellings of a name. Resolvers take `0177.0.0.1`, `2130706433` and `0x7f.1` for 127.0.0.1, and so
 * does this. Empty for what cannot be a name.
 */
export function canonicalName(name: string): string {
  return FOREIGN.test(name) ? '' : domainToASCII(name).replace(/\.+$/, '')
}

/** The last two labels: below them, whoever owns a domain makes as many names as it likes. */
export function domainOf(name: string): string {
  return name.split('.').slice(-2).join('.')
}
