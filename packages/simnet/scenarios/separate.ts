import type { Stage } from './stage.ts'

/** Time until all have noticed, and then for each part to become one by itself and to prove it, in ms. */
const NOTICED_MS = 60_000
const REGROUP_MS = 45_000
const PROOF_MS = 15_000

/** Separates the network into parts, proves that each goes on by itself, and heals it. */
export async function separate(stage: Stage, parts: number): Promise<void> {
  await stage.gather()
  const hush = stage.chatter()
  const groups = Array.from({ length: parts }, (_, part) => stage.honest.filter(({ index }) => index % parts === part))
  stage.network.partition(...groups)
  const endMs = stage.clock.nowMs + NOTICED_MS + REGROUP_MS + PROOF_MS
  await stage.clock.sleep(NOTICED_MS)
  await Promise.all(
    groups.map(async (among, part) => {
      await stage.gather(`part ${part}: gathered`, REGROUP_MS, among)
      await stage.prove(`part ${part}`, { among })
    }),
  )
  await stage.clock.sleep(Math.max(0, endMs - stage.clock.nowMs))
  hush()
  await stage.calm()
  await stage.prove('after the split')
}
