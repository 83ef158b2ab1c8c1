/** An answer of the HTTP API, as far as the tests look at it. */
export interface Answer {
  status: number
  success: boolean
  error: string
  code: string
  data: {
    peer_count: number
    address: string
    items: { kind: string; sender: string; zones: string[]; value: { id: string } }[]
    item: { value: { id: string } }
    network: { message_success_rate: number | null }
    [name: string]: unknown
  }
}

/** Calls the HTTP API of a node: GET, or POST where there is a body. */
export async function call(
  url: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
  const response = await fetch(`${url}/api/v1${path}`, body === undefined ? { headers } : init)
  return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) }
}

/** The ids of what a node's feed holds, newest first. */
export async function feedIds(url: string, query = ''): Promise<string[]> {
  const { data } = await call(url, `/feed${query}`)
  return data.items.map(({ value }) => value.id)
}
