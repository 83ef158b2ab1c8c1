import { Registry } from '../transactions/registry.ts'
import { authorityRegister } from './authority-register.ts'
import { authorityRevoke } from './authority-revoke.ts'
import { gridStateUpdate } from './grid-state.ts'
import { meterReading } from './meter-reading.ts'
import { proposal } from './proposal.ts'
import { tender } from './tender.ts'
import { transfer } from './transfer.ts'
import { vote } from './vote.ts'

/** The kinds of this package. Others join in a registry of one's own: `new Registry([...defaultKinds, mine])`. */
export const defaultKinds = [
  transfer,
  meterReading,
  tender,
  gridStateUpdate,
  proposal,
  vote,
  authorityRegister,
  authorityRevoke,
] as const

export const defaultRegistry: Registry = new Registry(defaultKinds)
