import { type Genesis, GenesisError, type GenesisFault, readGenesis, toHex } from '@gridmesh/ledger'
import { peerIdFromString } from '@libp2p/peer-id'
import { UnusableFileError } from './errors.ts'
import type { GenesisFile } from './genesis.ts'

/**
 * What the ledger begins with, by a genesis file of a network: zones by number, keys in the place of peer ids. The
 * ledger's own rules judge it. `undefined` for a network without a chain.
 *
 * @throws {UnusableFileError} naming path, value and rule of each fault
 */
export function ledgerGenesis(file: GenesisFile, path: string): Genesis | undefined {
  if (file.time === undefined) {
    const extra = (['meters', 'tender'] as const).find((name) => file[name] !== undefined)
    if (extra === undefined) return undefined
    throw unusable(path, [{ path: 'time', value: 'missing', rule: `there where ${extra} is: both are of a chain` }])
  }
  const faults = [...unknownZones(file), ...stepsAsNames(file)]
  if (faults.length > 0) throw unusable(path, faults)
  try {
    return readGenesis(inLedgerForm(file))
  } catch (err) {
    if (!(err instanceof GenesisError)) throw err
    throw unusable(
      path,
      err.faults.map((fault) => asInFile(fault)),
      err,
    )
  }
}

/** As the text of a ledger's genesis would be parsed. Its rows are those of the file, at the same places. */
function inLedgerForm({ chainId, time, zones, authorities, meters, tender }: GenesisFile): unknown {
  const numberOf = (zone: string): string => String(zones.indexOf(zone))
  return {
    name: chainId,
    time,
    zones: zones.map((zone) => ({ zone: numberOf(zone), name: zone })),
    authorities: authorities.map(({ peerId, zones: own = [] }) => ({
      publicKey: toHex(publicKeyOf(peerId)),
      zones: own.map(numberOf),
    })),
    meters: meters?.map(({ name, zone, owner }) => ({ name, zone: numberOf(zone), owner })),
    tender: tender?.map(({ amount, zone, owner }) => ({ amount, zone: numberOf(zone), owner })),
  }
}

/** The ed25519 public key that a peer id holds. @throws {RangeError} when it holds none */
export function publicKeyOf(peerId: string): Uint8Array {
  const { publicKey } = peerIdFromString(peerId)
  if (publicKey?.type === 'Ed25519') return publicKey.raw
  throw new RangeError(`${peerId} is not the peer id of an ed25519 key`)
}

function unknownZones({ zones, authorities, meters = [], tender = [] }: GenesisFile): GenesisFault[] {
  const named = [
    ...authorities.flatMap(({ zones: own = [] }, i) =>
      own.map((zone, j) => ({ path: `authorities[${i}].zones[${j}]`, zone })),
    ),
    ...meters.map(({ zone }, i) => ({ path: `meters[${i}].zone`, zone })),
    ...tender.map(({ zone }, i) => ({ path: `tender[${i}].zone`, zone })),
  ]
  return named
    .filter(({ zone }) => !zones.includes(zone))
    .map(({ path, zone }) => ({ path, value: JSON.stringify(zone), rule: `one of zones: ${zones.join(', ')}` }))
}

/** Names of meters that no path can hold, escaped or not, so that no client could ask for them. */
function stepsAsNames({ meters = [] }: GenesisFile): GenesisFault[] {
  return meters.flatMap(({ name }, i) =>
    name === '.' || name === '..'
      ? [{ path: `meters[${i}].name`, value: JSON.stringify(name), rule: 'no step of a path: no URL could name it' }]
      : [],
  )
}

/** The ledger calls the name of the chain `name`. */
function asInFile({ path, ...fault }: GenesisFault): GenesisFault {
  return { ...fault, path: path === 'name' ? 'chainId' : path }
}

function unusable(path: string, faults: readonly GenesisFault[], cause?: Error): UnusableFileError {
  const why = faults.map(({ path: at, value, rule }) => `${at} is ${value}: it must be ${rule}`).join('; ')
  return new UnusableFileError('genesis file', path, why, { cause })
}
