import { type Manifest, readManifest } from './manifest.ts'
import { isPortFree } from './ports.ts'

/**
 * The nodes of the devnet in `data` that run. A devnet that was killed leaves its manifest behind, and its process ids may
 * be those of other programs by now: a node counts only where its API listens, too.
 */
export async function runningNodes(data: string): Promise<Manifest['nodes']> {
  let nodes: Manifest['nodes']
  try {
    nodes = readManifest(data).nodes
  } catch {
    return []
  }
  const running: Manifest['nodes'] = []
  for (const node of nodes) {
    if (isAlive(node.pid) && !(await isPortFree(Number(new URL(node.url).port)))) running.push(node)
  }
  return running
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (err) {
    // A process of somebody else lives, too.
    return err instanceof Error && 'code' in err && err.code === 'EPERM'
  }
}
