import { envelopes } from '../parts/envelopes.ts'
import { FRAMES } from '../parts/frames.ts'
import { LIMITS } from '../parts/limits.ts'
import { measure } from '../parts/part.ts'
import type { Bench } from '../report.ts'

/** The parts on the path of every message, each alone in this process. */
export const bench: Bench = {
  about: 'the parts on the path of every message, operations a second on one core',
  async *run() {
    for (const part of [...LIMITS, ...FRAMES, ...(await envelopes())]) yield await measure(part)
  },
}
