/** Signs clients in to a running server, checks its answers, and writes the requests that the load generator sends. */
import { writeFile } from 'node:fs/promises'
import { browserHeaders, subjectOf, userAgentOf } from '../shared/clients.ts'
import type { Contestant } from './contestants.ts'
import { nobody } from './servers/server.ts'

type Header = readonly [name: string, value: string]

/** Other cookies of the same site, as there always are. */
const otherCookies = 'theme=dark; _ga=GA1.1.1730215486.1760000000'

async function signIn(port: number, at: number, { carriedBy }: Contestant): Promise<Header> {
  const response = await fetch(`http://127.0.0.1:${port}/login?subject=${subjectOf(at)}`, {
    method: 'POST',
    headers: { 'user-agent': userAgentOf(at) },
  })
  if (!response.ok) throw new Error(`sign-in answered ${response.status}: ${await response.text()}`)
  if (carriedBy === 'bearer') {
    const { token } = (await response.json()) as { readonly token: string }
    return ['Authorization', `Bearer ${token}`]
  }
  const own = response.headers.getSetCookie().map((line) => line.split(';', 1)[0])
  return ['Cookie', [otherCookies, ...own].join('; ')]
}

async function checkAnswer(port: number, headers: readonly Header[], expected: string | null): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/me`, { headers: Object.fromEntries(headers) })
  const answer = await response.text()
  const right =
    expected === null ? response.status === 401 : response.status === 200 && answer === JSON.stringify({ subject: expected })
  if (!right) throw new Error(`GET /me for ${expected ?? 'nobody'} answered ${response.status} ${answer}`)
}

/** The server must know every client and nobody else, or its figures mean nothing. */
async function checkServer(port: number, credentials: readonly Header[]): Promise<void> {
  await checkAnswer(port, [['User-Agent', userAgentOf(0)]], null)
  for (const [at, credential] of credentials.entries()) {
    await checkAnswer(port, [['User-Agent', userAgentOf(at)], credential], subjectOf(at))
  }
}

function requestText(at: number, credential: Header): string {
  const headers: Header[] = [['Host', '{host}'], ...browserHeaders(at), credential]
  return `GET /me HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** Signs `sessions` clients in, checks the server's answers to each, and writes their requests to `file`. */
export async function writeRequests(port: number, contestant: Contestant, sessions: number, file: string): Promise<void> {
  const credentials: Header[] = []
  if (contestant.kind === 'bare') {
    for (let at = 0; at < sessions; at += 1) credentials.push(['Cookie', `${otherCookies}; session=${'x'.repeat(110)}`])
    await checkAnswer(port, [], nobody.subject)
  } else {
    for (let at = 0; at < sessions; at += 1) credentials.push(await signIn(port, at, contestant))
    await checkServer(port, credentials)
  }
  await writeFile(file, credentials.map((credential, at) => requestText(at, credential)).join('\0'))
}
