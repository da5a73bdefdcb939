/** Requests to our own server, and server-sent events read from the answer to one of them. */

/** A refusal: the problem document that the server answered with. */
export class Refused extends Error {
  constructor(status, { title, detail, code } = {}, retryAfter = 0) {
    super(detail ?? title ?? `The server answered ${status}`)
    this.status = status
    this.code = code
    /** Seconds. */
    this.retryAfter = retryAfter
  }
}

/** What each change repeats: the server set it in a cookie that our own pages alone can read. */
function csrfToken() {
  return /(?:^|; )(?:__Host-)?csrf_token=([^;]*)/.exec(document.cookie)?.[1]
}

function headersFor(method, body) {
  const headers = new Headers()
  const token = csrfToken()
  if (method !== 'GET' && token !== undefined) headers.set('X-CSRF-Token', token)
  if (body !== undefined) headers.set('Content-Type', 'application/json')
  return headers
}

/** Resolves to the answer; throws `Refused`. */
export async function ask(method, path, body) {
  const response = await fetch(path, { method, headers: headersFor(method, body), body: body && JSON.stringify(body) })
  if (response.ok) return response
  const problem = await response.json().catch(() => ({}))
  throw new Refused(response.status, problem, Number(response.headers.get('Retry-After') ?? 0))
}

function eventOf(block) {
  const fields = block.split('\n').map((line) => /^([^:]*):? ?(.*)$/.exec(line) ?? [])
  const valuesOf = (wanted) => fields.flatMap(([, name, value]) => (name === wanted ? [value] : []))
  return { event: valuesOf('event').at(-1) ?? 'message', data: valuesOf('data') }
}

/** The events of a stream, as they come. Comments, which keep proxies awake, are left out. */
export async function* eventsOf(response) {
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const { event, data } of blocks.map(eventOf)) if (data.length > 0) yield { event, data: JSON.parse(data.join('\n')) }
  }
}
