import { areEqual, compareBytes } from '../bytes.ts'
import { HASH_BYTES, MAX_AUTHORITIES, MAX_ZONES_OF_AUTHORITY, PUBLIC_KEY_BYTES } from '../constants.ts'
import type { Codec } from '../codec/codec.ts'
import { addressOf } from '../crypto/sha256.ts'
import type { Overlay } from './overlay.ts'
import type { StateView } from './state-view.ts'
import { asIs, single, Table } from './table.ts'

/** Whom the chain trusts with meters, money and the grid. */
export interface Authority {
  publicKey: Uint8Array
  /** Zones whose meters it certifies, ascending; none for all. */
  zones: readonly number[]
}

export const authorityCodec: Codec<Authority> = {
  write({ publicKey, zones }, writer) {
    writer.fixed(publicKey, PUBLIC_KEY_BYTES).list(
      zones.toSorted((a, b) => a - b),
      (zone) => writer.u16(zone),
    )
  },
  read: (reader) => ({
    publicKey: reader.fixed(PUBLIC_KEY_BYTES),
    zones: reader.ascending(
      0,
      MAX_ZONES_OF_AUTHORITY,
      () => reader.u16(),
      (a, b) => a - b,
    ),
  }),
}

/** By address. */
export const authorities = new Table<Uint8Array, Authority>('a', 'authority', asIs, authorityCodec)

/** The addresses of all authorities, ascending. */
export const authorityList = single<readonly Uint8Array[]>('A', 'list of authorities', {
  write: (list, writer) => void writer.list(list, (address) => writer.fixed(address, HASH_BYTES)),
  read: (reader) => reader.ascending(0, MAX_AUTHORITIES, () => reader.fixed(HASH_BYTES), compareBytes),
})

export function authoritiesOf(view: StateView): readonly Uint8Array[] {
  return authorityList.get(view) ?? []
}

export function addAuthority(state: Overlay, authority: Authority): void {
  const address = addressOf(authority.publicKey)
  authorities.put(state, address, authority)
  authorityList.put(state, undefined, [...authoritiesOf(state), address].toSorted(compareBytes))
}

export function removeAuthority(state: Overlay, address: Uint8Array): void {
  authorities.delete(state, address)
  const others = authoritiesOf(state).filter((other) => !areEqual(other, address))
  authorityList.put(state, undefined, others)
}
