import { type EventSourceMessage, createParser } from 'eventsource-parser'

/** A client of `/api/v1/events`. */
export interface Events {
  /** Resolves with the next event that fits, those that came already included. */
  next(fits: (event: EventSourceMessage) => boolean): Promise<EventSourceMessage>
  stop(): void
}

/** Listens to the events of a node, after the event with the given id where one is given. */
export async function eventsOf(url: string, lastId?: string): Promise<Events> {
  const seen: EventSourceMessage[] = []
  let wake = Promise.withResolvers<void>()
  const parser = createParser({
    onEvent: (event) => {
      seen.push(event)
      wake.resolve()
    },
  })
  const end = new AbortController()
  const headers = { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) }
  const response = await fetch(`${url}/api/v1/events`, { headers, signal: end.signal })
  const read = async (): Promise<void> => {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>)
      parser.feed(Buffer.from(chunk).toString())
  }
  // Ends with an AbortError when the test stops listening.
  read().catch(() => {})
  return {
    next: async (fits) => {
      for (;;) {
        const index = seen.findIndex(fits)
        const [found] = index === -1 ? [] : seen.splice(0, index + 1).slice(-1)
        if (found !== undefined) return found
        wake = Promise.withResolvers()
        await wake.promise
      }
    },
    stop: () => end.abort(),
  }
}
