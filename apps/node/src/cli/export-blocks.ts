import type { z } from 'zod'
import { blockView } from '../http/chain/schemas.ts'
import type { BlockFileWriter } from './block-file.ts'
import type { NodeClient } from './client.ts'
import { BranchChangedError } from './errors.ts'

/** Blocks that are asked for at once. */
const AHEAD = 8

/** Which blocks are written, both ends included. */
export interface ExportRange {
  from: number
  to: number
  onBlock?: (done: number) => void
}

/** A block with its bytes. */
const wholeBlock = blockView.required({ bytes: true })

/**
 * Writes blocks of a node's chain into a file.
 *
 * @throws {BranchChangedError} when one does not build on the one before
 * @throws {NodeUnreachableError} @throws {NodeRefusedError} @throws {UnusableFileError}
 */
export async function exportBlocks(client: NodeClient, file: BlockFileWriter, range: ExportRange): Promise<void> {
  let before: string | undefined
  let done = 0
  for await (const { height, hash, parent, bytes } of fetched(client, range)) {
    if (before !== undefined && parent !== before) throw new BranchChangedError(height)
    before = hash
    await file.append(Buffer.from(bytes, 'base64'))
    range.onBlock?.(++done)
  }
}

async function* fetched(
  client: NodeClient,
  { from, to }: ExportRange,
): AsyncGenerator<z.infer<typeof wholeBlock>, void> {
  const ahead: Promise<z.infer<typeof wholeBlock>>[] = []
  for (let next = from; next <= to || ahead.length > 0;) {
    while (next <= to && ahead.length < AHEAD) {
      const block = client.get(`/block/height/${next++}?bytes=true`, wholeBlock)
      // Where one fails, nobody waits for those after it.
      block.catch(() => undefined)
      ahead.push(block)
    }
    const first = ahead.shift()
    if (first !== undefined) yield await first
  }
}
