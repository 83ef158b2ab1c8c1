import type { ComponentLogger, Logger } from '@libp2p/interface'

const quiet: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => quiet,
})

/** Logs nothing, and is one object for all nodes: loggers of ten thousand nodes would be a gigabyte. */
export const quietLogger: ComponentLogger = { forComponent: () => quiet }
