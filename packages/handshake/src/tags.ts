// Tags of pb/handshake.proto: the field number shifted by three, with the wire type in the low bits
// (0 varint, 1 eight bytes, 2 length-delimited).

export const FRAME = { hello: 0x0a, verdict: 0x12, status: 0x1a, goodbye: 0x22 } as const

export const HELLO = {
  protocolMin: 0x08,
  protocolMax: 0x10,
  chainId: 0x1a,
  genesisHash: 0x22,
  height: 0x28,
  tipHash: 0x32,
  role: 0x3a,
  region: 0x42,
  capabilities: 0x4a,
  listenAddresses: 0x52,
  userAgent: 0x5a,
  timeMs: 0x60,
  quota: 0x6a,
  credentials: 0x72,
} as const

export const QUOTA = { messagesPerSecond: 0x09, bytesPerSecond: 0x11 } as const

export const VERDICT = { accepted: 0x08, reason: 0x12, referrals: 0x1a } as const

export const REASON = { inGoodbye: 0x0a, code: 0x0a, message: 0x12, limit: 0x1a, value: 0x21 } as const

export const STATUS = { height: 0x08, tipHash: 0x12 } as const
