import type { Counter, Metrics } from '@libp2p/interface'

/** Counters by the names that `@libp2p/noise` gives them, so that dashboards stay as they are. */
export interface NoiseMetrics {
  handshakes: Counter
  failedHandshakes: Counter
  encryptedFrames: Counter
  decryptedFrames: Counter
  badFrames: Counter
}

export function noiseMetrics(metrics: Pick<Metrics, 'registerCounter'> | undefined): NoiseMetrics | undefined {
  if (metrics === undefined) return undefined
  const counter = (name: string, help: string): Counter => metrics.registerCounter(`libp2p_noise_${name}`, { help })
  return {
    handshakes: counter('xxhandshake_successes_total', 'Noise handshakes that succeeded'),
    failedHandshakes: counter('xxhandshake_error_total', 'Noise handshakes that failed'),
    encryptedFrames: counter('encrypted_packets_total', 'Noise messages encrypted'),
    decryptedFrames: counter('decrypted_packets_total', 'Noise messages decrypted'),
    badFrames: counter('decrypt_errors_total', 'Noise messages that did not decrypt'),
  }
}
