/** Settings that are none: a misspelt one would be passed over, and what it was to guard stand open. */
import type { Problem } from './consistency.ts'
import type { Environment } from './env-file.ts'
import { unsupported, variables } from './variables.ts'

const prefix = 'HOLDFAST_'
const known: readonly string[] = [...Object.values(variables).map(({ name }) => name), ...unsupported]

/** One slip for so many letters. Names that Kubernetes injects for a service called holdfast are further away. */
const lettersPerSlip = 3
const mostSlips = 3

/** Edits (Levenshtein) that lead from one name to the other. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

function meantBy(name: string): string | undefined {
  const slips = Math.min(mostSlips, Math.floor((name.length - prefix.length) / lettersPerSlip))
  return known.find((candidate) => editsBetween(name, candidate) <= slips)
}

/** The environment is everybody's, so there only what resembles a setting counts; the file is ours. */
export function misspelt(environment: Environment, file: Environment): Problem[] {
  const names = new Set([...Object.keys(environment), ...Object.keys(file)])
  return [...names].flatMap((variable) => {
    if (!variable.startsWith(prefix) || known.includes(variable)) return []
    const meant = meantBy(variable)
    if (meant !== undefined) return [{ variable, message: `is no setting: did you mean ${meant}?` }]
    return variable in file ? [{ variable, message: 'is no setting: see `holdfast-server init` for those that there are' }] : []
  })
}

/** What Kubernetes injects into a container beside a service called holdfast, or something that begins so. */
const injected = /_(?:SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d+_\w+)$/

/** Names in the environment that begin like a setting and are none: a start passes over them, as somebody else's. */
export function passedOver(environment: Environment): string[] {
  return Object.keys(environment).filter((name) => name.startsWith(prefix) && !known.includes(name) && !injected.test(name))
}
