/**
 * What was asked of the nodes and what they answered, in real time as the one coordinator saw it, and whether that
 * keeps the promises: once a revocation is acknowledged no check that starts later than the bound answers "live"; of
 * those who want one thing at once no more have it than may; and no fault signs anybody out.
 */

/** Milliseconds on the coordinator's own steady clock. */
type Moment = number

/**
 * `durable`: no failover undoes it. `asserted`: a failover may, until the nodes have asserted it again.
 * `replicated`: as safe as any write, so a failover right after it may undo it for good.
 */
export type Safety = 'durable' | 'asserted' | 'replicated'

interface Asked {
  readonly node: number
  readonly from: Moment
  readonly to: Moment
}

/** Tokens, and ids of sessions: the end of a session is that of each token it ever had, and of those still to come. */
type Name = string

export type Operation = Asked &
  (
    | { readonly did: 'issue'; readonly session: Name }
    /** `how`: by a check of the token, by an exchange of it, or by a ticket. `fresh`: the store was asked. */
    | {
        readonly did: 'check'
        readonly how: 'verify' | 'refresh' | 'ticket'
        readonly session: Name
        readonly token: Name
        /** `live`, `unknown`, or why it is dead. */
        readonly answer: string
        readonly fresh: boolean
      }
    /** `safe`: what a failover may do to it. */
    | { readonly did: 'end'; readonly ended: readonly Name[]; readonly safe: Safety; readonly how: string }
    /** Not acknowledged: it holds on the node that was asked, and says nothing of the others. */
    | { readonly did: 'fail to end'; readonly ended: readonly Name[] }
    /** Many wanted it at once: `had` of them got it, `most` may. */
    | { readonly did: 'contend'; readonly for: string; readonly had: number; readonly most: number }
  )

/** A time in which a server was lost: what was not durable may be forgotten until this is over. */
export interface Outage {
  readonly from: Moment
  readonly to: Moment
  /** The server was emptied: what was there before is gone, and comes back no more than anything else. */
  readonly isEmptied?: boolean
  /** Two servers were primary for a while, and one of them with a replica: what that replica has is lost as well. */
  readonly isSplit?: boolean
}

export interface Violation {
  readonly node: number
  readonly what: string
}

interface End {
  readonly at: Moment
  readonly safe: Safety
  readonly how: string
  /** Holds on this node only. */
  readonly only: number | undefined
}

const overlap = (outage: Outage, from: Moment, to: Moment) => from <= outage.to && to >= outage.from

export function violations(history: readonly Operation[], bound: number, outages: readonly Outage[] = []): Violation[] {
  return [...revivals(history, bound, outages), ...excesses(history, outages), ...losses(history, outages)]
}

function endsIn(history: readonly Operation[]): ReadonlyMap<Name, readonly End[]> {
  const ends = new Map<Name, End[]>()
  for (const operation of history) {
    if (operation.did !== 'end' && operation.did !== 'fail to end') continue
    const end: End =
      operation.did === 'end'
        ? { at: operation.to, safe: operation.safe, how: operation.how, only: undefined }
        : { at: operation.to, safe: 'asserted', how: 'unacknowledged', only: operation.node }
    for (const name of operation.ended) ends.set(name, [...(ends.get(name) ?? []), end])
  }
  return ends
}

function revivals(history: readonly Operation[], bound: number, outages: readonly Outage[]): Violation[] {
  const ends = endsIn(history)
  const mayBeForgotten = ({ safe, at }: End, from: Moment, to: Moment) =>
    outages.some(
      (outage) =>
        outage.isEmptied !== true &&
        (((safe !== 'durable' || outage.isSplit === true) && overlap(outage, from, to)) ||
          (safe === 'replicated' && overlap(outage, at, at))),
    )
  return history.flatMap((operation) => {
    if (operation.did !== 'check' || operation.answer !== 'live') return []
    const { node, session, token, from, to, fresh, how } = operation
    const broken = [...(ends.get(session) ?? []), ...(ends.get(token) ?? [])].find((end) => {
      if (end.only !== undefined && end.only !== node) return false
      const allowed = fresh || end.only === node ? 0 : bound
      return from > end.at + allowed && !mayBeForgotten(end, from, to)
    })
    if (broken === undefined) return []
    return [{ node, what: `${how}: ${session} live ${Math.round(from - broken.at)} ms after ${broken.how} (${broken.safe})` }]
  })
}

/** A failover may give back what was spent a moment before. */
function excesses(history: readonly Operation[], outages: readonly Outage[]): Violation[] {
  return history.flatMap((operation) => {
    if (operation.did !== 'contend' || operation.had <= operation.most) return []
    const { node, from, to, had, most } = operation
    if (outages.some((outage) => overlap(outage, from, to))) return []
    return [{ node, what: `${operation.for}: ${had} where ${most} may` }]
  })
}

/** Of sessions that were handed out, none may be unknown to the store: a failover may lose the latest, an emptied server has none. */
function losses(history: readonly Operation[], outages: readonly Outage[]): Violation[] {
  const kept = new Set<Name>()
  for (const operation of history) {
    if (operation.did !== 'issue') continue
    const { session, from, to } = operation
    const mayBeLost = (outage: Outage) => overlap(outage, from, to) || (outage.isEmptied === true && from <= outage.to)
    if (!outages.some(mayBeLost)) kept.add(session)
  }
  return history.flatMap((operation) => {
    if (operation.did !== 'check' || operation.answer !== 'not-found' || !kept.has(operation.session)) return []
    return [{ node: operation.node, what: `${operation.how}: ${operation.session} is lost` }]
  })
}
