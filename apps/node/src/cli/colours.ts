import pc from 'picocolors'

const isForced = 'FORCE_COLOR' in process.env

/** Colours for people. Picocolors takes a CI for a terminal too; but what is piped there is read by programs. */
export const colours = pc.createColors(pc.isColorSupported && (process.stdout.isTTY || isForced))
