import type { Command } from 'commander'
import { UsageError } from './errors.ts'

/** What help calls a path, of an argument or of the value of an option. */
const PATH = /^(?:file|dir)$/
const VALUE = /<([^>]+)>$/

/** Refuses a path that is empty, as a variable is that was never set: no message could name it. @throws {UsageError} */
export function refuseEmptyPaths(command: Command): void {
  for (const [i, argument] of command.registeredArguments.entries()) {
    if (PATH.test(argument.name()) && command.processedArgs[i] === '') refuse(`<${argument.name()}>`, argument.name())
  }
  for (const option of command.options) {
    const what = VALUE.exec(option.flags)?.[1] ?? ''
    if (PATH.test(what) && command.getOptionValue(option.attributeName()) === '') refuse(option.long ?? '', what)
  }
}

function refuse(name: string, what: string): never {
  throw new UsageError(`Expected ${name} to be the path of a ${what === 'dir' ? 'directory' : 'file'}, got ""`)
}
