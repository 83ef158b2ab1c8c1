/** What the exit code of `gridmesh` means. Shown by `gridmesh --help`. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  badFile: 3,
  cannotListen: 4,
  unreachable: 5,
  refused: 6,
  partly: 7,
  violated: 8,
  insufficient: 9,
  notInTime: 10,
  unheard: 11,
  cannotWrite: 12,
  unread: 141,
} as const

/** The exit codes in words. */
export const EXIT_HELP = `Exit codes:
  0  done
  1  something unexpected failed
  2  wrong usage
  3  a configuration, key, genesis or data file cannot be used
  4  a port is in use, or an address cannot be listened on
  5  the node does not answer
  6  the node refused
  7  done in part: some lines were bad, refused, not sent, or reached nobody, or a campaign was stopped
  8  a simulation came to no result, or a law did not hold in it
  9  the address cannot spend as much
  10 what was waited for did not come in time
  11 the node took it, and it reached no peer
  12 the result cannot be written, whatever it is
  141 nobody reads any more what is written, and not all was done`

const BY_NAME: Readonly<Record<string, number>> = {
  ConfigError: EXIT.badFile,
  ConfigFileError: EXIT.badFile,
  UnusableFileError: EXIT.badFile,
  PortInUseError: EXIT.cannotListen,
  CannotListenError: EXIT.cannotListen,
  NodeUnreachableError: EXIT.unreachable,
  NodeRefusedError: EXIT.refused,
  NodeFailedError: EXIT.unexpected,
  NodeNotReadyError: EXIT.notInTime,
  NotConnectedError: EXIT.notInTime,
  NotSettledError: EXIT.notInTime,
  UnknownMeterError: EXIT.badFile,
  SimulationFailedError: EXIT.violated,
  UsageError: EXIT.usage,
  NoChainInGenesisError: EXIT.badFile,
  InsufficientFundsError: EXIT.insufficient,
  NotInTimeError: EXIT.notInTime,
  BranchChangedError: EXIT.refused,
}

/** The exit code for an error, by its name; `undefined` for one that nobody foresaw. */
export function exitCodeOf(err: unknown): number | undefined {
  return err instanceof Error ? BY_NAME[err.name] : undefined
}
