/** Whether this is the installed command: the one of the repository has its examples, and is built before it runs. */
export const IS_INSTALLED = import.meta.url.includes('/node_modules/')

/** A command `gridmesh …` as it is called where this one runs. */
export function asCalled(command: string, isInstalled: boolean = IS_INSTALLED): string {
  return isInstalled ? command : command.replace(/^gridmesh/, 'npm run gridmesh --')
}
