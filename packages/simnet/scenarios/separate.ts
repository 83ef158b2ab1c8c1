import type { Stage } from './stage.ts'

const APART_MS = 120_000

/** Separates the network into parts, lets each talk by itself, and heals it. */
export async function separate(stage: Stage, parts: number): Promise<void> {
  await stage.gather()
  const hush = stage.chatter()
  const groups = Array.from({ length: parts }, (_, part) => stage.honest.filter(({ index }) => index % parts === part))
  stage.network.partition(...groups)
  await stage.clock.sleep(APART_MS)
  hush()
  await stage.calm()
  await stage.prove('after the split')
}
