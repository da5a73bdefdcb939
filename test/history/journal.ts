/** Asks nodes for one thing each, and writes down what was asked and what came of it. */
import type { Operation } from './history.ts'
import type { Node } from './nodes.ts'
import type { Order } from './order.ts'

/** A session as its callers know it. */
export interface Known {
  readonly session: string
  readonly subject: string | null
  token: string
  /** Every token that a check may be given; those of a spent secret stay. */
  readonly tokens: string[]
  /** Null for a session that is not carried by access and refresh tokens. */
  refreshToken: string | null
  /** Refresh tokens spent, with when. */
  readonly spent: { readonly token: string; readonly at: number }[]
  isBusy: boolean
}

interface Issued {
  readonly session: { readonly id: string }
  readonly token?: string
  readonly accessToken?: string
  readonly refreshToken?: string
}

interface Judged {
  readonly status: string
  readonly reason?: string
}

interface Refreshed extends Judged {
  readonly accessToken?: string
  readonly refreshToken?: string
}

interface Answered<T> {
  readonly from: number
  readonly to: number
  readonly answer: T
}

const answerIn = ({ status, reason }: Judged): string => reason ?? status

/** Sessions that one subject may have: the engine's default. */
const cap = 5
const crowd = 64
/** Of the sessions that one order ended. */
const mostRemembered = 20

export class Journal {
  readonly history: Operation[] = []
  readonly counts: Record<string, number> = {}
  readonly known: Known[] = []
  readonly ended: Known[] = []
  readonly #nodes: readonly Node[]

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes
  }

  /** Undefined when the node could not. */
  async issue(node: number, subject: string, isShared = true): Promise<Known | undefined> {
    const issued = await this.#ask<Issued>('issue', node, { do: 'issue', subject })
    return issued === undefined ? undefined : this.#learn(node, subject, issued, isShared)
  }

  async issueTokens(node: number, subject: string): Promise<Known | undefined> {
    const issued = await this.#ask<Issued>('issue tokens', node, { do: 'issueTokens', subject })
    return issued === undefined ? undefined : this.#learn(node, subject, issued, true)
  }

  async check(node: number, { session }: Known, token: string, fresh: boolean): Promise<void> {
    const checked = await this.#ask<Judged>('check', node, { do: 'verify', token, fresh })
    if (checked === undefined) return
    const { from, to } = checked
    const answer = answerIn(checked.answer)
    this.#count(`check: ${answer}`)
    this.history.push({ did: 'check', how: 'verify', node, from, to, session, token, answer, fresh })
  }

  async revoke(node: number, known: Known): Promise<void> {
    const { session } = known
    await this.#end(node, { do: 'revoke', session }, [known])
  }

  async endSubject(node: number, subject: string): Promise<void> {
    const meant = this.known.filter((each) => each.subject === subject)
    await this.#end(node, { do: 'revokeSubject', subject }, meant)
  }

  async everyoneOut(node: number): Promise<void> {
    await this.#end(node, { do: 'revokeAll' }, this.known)
  }

  async regenerate(node: number, known: Known): Promise<void> {
    // The secret of a session that is carried by tokens is replaced by their exchange.
    if (known.refreshToken !== null) return
    const ended = [...known.tokens]
    const order = { do: 'regenerate', session: known.session } as const
    const changed = await this.#ask<{ token: string } | null>('regenerate', node, order)
    if (changed?.answer == null) return
    this.#renew(known, changed.answer.token)
    // The store waits for replicas with revocations only: a replaced secret is as safe as any other write.
    const { from, to } = changed
    this.history.push({ did: 'end', node, from, to, ended, safe: 'replicated', how: 'regenerate' })
  }

  /** A visitor whom two nodes sign in at once: one may win, and then the visitor's session is over. */
  async visit(node: number, subject: string): Promise<void> {
    const visit = await this.#ask<Issued>('visit', node, { do: 'issueAnonymous' })
    if (visit === undefined) return
    const visitor = this.#learn(node, null, visit, true)
    await this.check(node, visitor, visitor.token, false)
    const order = { do: 'promote', session: visitor.session, subject } as const
    const tried = await this.#askTwo<Issued | null>('promote', node, order)
    const won = tried.flatMap(({ answer, ...times }) => (answer === null ? [] : [{ answer, ...times }]))
    this.#contend('a promotion', node, visit.from, won.length)
    const [winner] = won
    if (winner === undefined) return
    this.#learn(node, subject, winner, true)
    const { from, to } = winner
    this.history.push({ did: 'end', node, from, to, ended: [visitor.session], safe: 'replicated', how: 'promote' })
  }

  /** Two nodes exchange one refresh token at once: both lead to one successor. */
  async refresh(node: number, known: Known): Promise<void> {
    const { refreshToken: token } = known
    if (token === null || known.isBusy) return
    // What another caller rotates meanwhile would lead the second of these two further, and rightly so.
    known.isBusy = true
    const from = performance.now()
    const tried = await this.#askTwo<Refreshed>('refresh', node, { do: 'refresh', token })
    for (const each of tried) this.#noteRefresh(known, token, each)
    const successors = new Set(tried.flatMap(({ answer }) => answer.refreshToken ?? []))
    this.#contend('successors of a refresh token', node, from, successors.size)
    const [next] = successors
    if (next !== undefined && next !== token) {
      known.spent.push({ token, at: performance.now() })
      known.refreshToken = next
    }
    for (const { answer } of tried) if (answer.accessToken !== undefined) this.#renew(known, answer.accessToken)
    known.isBusy = false
  }

  /** Spent longer ago than the window: whoever has it, its session ends. */
  async replay(node: number, known: Known, spentBefore: number): Promise<void> {
    const spent = known.spent.findLast(({ at }) => at < spentBefore)
    if (spent === undefined || known.isBusy) return
    const tried = await this.#ask<Refreshed>('replay', node, { do: 'refresh', token: spent.token })
    if (tried !== undefined) this.#noteRefresh(known, spent.token, { ...tried, node })
  }

  /** Three nodes are shown one ticket at once, and one of them again. */
  async useTicket(node: number, { session }: Known): Promise<void> {
    const issued = await this.#ask<{ ticket: string } | null>('ticket', node, { do: 'issueTicket', session })
    if (issued?.answer == null) return
    const { ticket } = issued.answer
    const show = async (at: number) => {
      const shown = await this.#ask<Judged>('redeem', at, { do: 'redeem', ticket })
      if (shown === undefined) return false
      const { from, to, answer } = shown
      const check = { session, token: ticket, answer: answerIn(answer), fresh: true } as const
      this.history.push({ did: 'check', how: 'ticket', node: at, from, to, ...check })
      return answer.status === 'live'
    }
    const shown = [...(await Promise.all(this.#nodes.map((_, at) => show(at)))), await show(node)]
    this.#contend('uses of a ticket', node, issued.from, shown.filter((was) => was).length)
  }

  /** Sixty-four sign-ins of one subject at once over all nodes: no more stay than may. */
  async crowd(subject: string): Promise<void> {
    const from = performance.now()
    await Promise.all(Array.from({ length: crowd }, (_, at) => this.issue(at % this.#nodes.length, subject, false)))
    const counted = await this.#ask<number>('count', 0, { do: 'live', subject })
    if (counted !== undefined) this.#contend('sessions of one subject', 0, from, counted.answer, cap)
  }

  #learn(node: number, subject: string | null, { from, to, answer }: Answered<Issued>, isShared: boolean): Known {
    const { session, token, accessToken, refreshToken } = answer
    this.history.push({ did: 'issue', node, from, to, session: session.id })
    const first = token ?? accessToken ?? ''
    const known: Known = {
      session: session.id,
      subject,
      token: first,
      tokens: [first],
      refreshToken: refreshToken ?? null,
      spent: [],
      isBusy: false,
    }
    if (isShared) this.known.push(known)
    return known
  }

  #renew(known: Known, token: string): void {
    known.token = token
    known.tokens.push(token)
  }

  /** An exchange asks the store, as a fresh check does; one that finds reuse has ended the session. */
  #noteRefresh({ session }: Known, token: string, { node, from, to, answer }: Answered<Refreshed> & { node: number }): void {
    const verdict = answerIn(answer)
    this.#count(`refresh: ${verdict}`)
    if (verdict === 'reuse') this.history.push({ did: 'end', node, from, to, ended: [session], safe: 'asserted', how: 'reuse' })
    else this.history.push({ did: 'check', how: 'refresh', node, from, to, session, token, answer: verdict, fresh: true })
  }

  #contend(what: string, node: number, from: number, had: number, most = 1): void {
    this.history.push({ did: 'contend', for: what, node, from, to: performance.now(), had, most })
  }

  async #end(node: number, order: Order, meant: readonly Known[]): Promise<void> {
    const ended = meant.map(({ session }) => session)
    const from = performance.now()
    const revoked = await this.#ask<{ durable: boolean }>(order.do, node, order)
    const times = { node, from, to: revoked?.to ?? performance.now() }
    const safe = revoked?.answer.durable === true ? 'durable' : 'asserted'
    if (revoked !== undefined) this.history.push({ did: 'end', ...times, ended, safe, how: order.do })
    else if (order.do === 'revoke') this.history.push({ did: 'fail to end', ...times, ended })
    this.ended.push(...meant.slice(-mostRemembered))
  }

  async #askTwo<T>(what: string, node: number, order: Order): Promise<(Answered<T> & { node: number })[]> {
    const both = [node, (node + 1) % this.#nodes.length]
    const asked = await Promise.all(
      both.map(async (at) => {
        const answered = await this.#ask<T>(what, at, order)
        return answered === undefined ? [] : [{ ...answered, node: at }]
      }),
    )
    return asked.flat()
  }

  /** Undefined when the node could not; counted either way. */
  async #ask<T>(what: string, node: number, order: Order): Promise<Answered<T> | undefined> {
    const from = performance.now()
    try {
      const answer = (await this.#nodes[node]?.ask(order)) as T
      this.#count(what)
      return { from, to: performance.now(), answer }
    } catch {
      this.#count(`${what} failed`)
      return undefined
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }
}
