// Run by the consumer test in a project that has only the packed library.
import { createHoldfast } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'

const holdfast = createHoldfast({ secret: 'qJ7xk2vN5rT9wZ3bM6yD1fH8cP4sL0aG', store: memoryStore() })
const { session, token } = await holdfast.issue({ subject: 'alice', attributes: { role: 'admin' } })

async function tell(presented) {
  const verdict = await holdfast.verify(presented, {})
  console.log(verdict.status, verdict.status === 'live' ? verdict.session.subject : verdict.reason)
}

await tell(token)
await holdfast.revoke({ session: session.id }, { reason: 'logout' })
await tell(token)
await tell(`${token}x`)
await holdfast.close()
