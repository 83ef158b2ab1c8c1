import { jsonCodec, nodeCryptoSigner, protobufCodec, sodiumSigner } from '@gridmesh/envelope'
import { generateKeyPair } from '@libp2p/crypto/keys'
import sodium from 'sodium-native'
import type { Part } from './part.ts'

const MESSAGE_BYTES = 512

/** Codecs and signatures of envelopes. */
export async function envelopes(): Promise<Part[]> {
  return [...codecs(), ...(await signatures())]
}

function codecs(): Part[] {
  const fields = {
    chainId: 'gridmesh-bench',
    kind: 'order',
    lane: 'normal',
    senderKey: crypto.getRandomValues(new Uint8Array(32)),
    sequence: 2n ** 50n,
    timeMs: 1_800_000_000_000,
    compression: 0,
    inflatedBytes: 0,
    payload: crypto.getRandomValues(new Uint8Array(MESSAGE_BYTES)),
    signature: crypto.getRandomValues(new Uint8Array(64)),
  } as const
  const [protobuf, json] = [protobufCodec(), jsonCodec()]
  const [binary, text] = [protobuf.encode(fields), json.encode(fields)]
  const count = 100_000
  return [
    {
      name: 'envelope of 512 B encoded as protobuf',
      unit: '/s',
      count,
      ours: repeat(() => protobuf.encode(fields)),
      theirs: { name: 'as JSON', count: count / 5, run: repeat(() => json.encode(fields)) },
    },
    {
      name: 'envelope of 512 B decoded from protobuf',
      unit: '/s',
      count,
      ours: repeat(() => protobuf.decode(binary)),
      theirs: { name: 'from JSON', count: count / 5, run: repeat(() => json.decode(text)) },
    },
  ]
}

async function signatures(): Promise<Part[]> {
  const key = await generateKeyPair('Ed25519')
  const message = new Uint8Array(MESSAGE_BYTES)
  const signature = await key.sign(message)
  const signers = { libsodium: sodiumSigner(key, sodium), 'node:crypto': nodeCryptoSigner(key) }
  return Object.entries(signers).flatMap(([name, signer]): Part[] => [
    {
      name: `sign 512 B, ${name}`,
      unit: '/s',
      count: 2_000,
      ours: repeat(() => signer.sign(message)),
      theirs: { name: '@libp2p/crypto', count: 1_000, run: repeatAsync(async () => key.sign(message)) },
    },
    {
      name: `verify 512 B, ${name}`,
      unit: '/s',
      count: 2_000,
      ours: repeat(() => signer.verify(key.publicKey.raw, message, signature)),
      theirs: {
        name: '@libp2p/crypto',
        count: 1_000,
        run: repeatAsync(async () => key.publicKey.verify(message, signature)),
      },
    },
  ])
}

function repeat(once: () => unknown): Part['ours'] {
  return (count) => {
    for (let i = 0; i < count; i++) once()
  }
}

function repeatAsync(once: () => Promise<unknown>): Part['ours'] {
  return async (count) => {
    for (let i = 0; i < count; i++) await once()
  }
}
