/** Options that are objects, functions or lists of the app's: what each of them must be. */
import type { SessionStore } from '../store/store.ts'
import type { Report } from './option-readers.ts'
import type { EngineOptions, PromotionPolicy } from './options.ts'
import { secretProblem } from './secret.ts'

const storeMethods: readonly (keyof SessionStore & string)[] = ['insert', 'get', 'replace', 'touch', 'list', 'revoke', 'sweep']

export function checkStore(store: unknown, report: Report): void {
  checkHasMethods(store, 'store', 'a session store', storeMethods, report)
}

/** What is used by its methods; `what` says what it must be. */
export function checkHasMethods(given: unknown, field: string, what: string, methods: readonly string[], report: Report): void {
  const found = given as Readonly<Record<string, unknown>> | null | undefined
  const missing = methods.filter((name) => typeof found?.[name] !== 'function')
  if (missing.length > 0) report({ field, message: `must be ${what}; missing: ${missing.join(', ')}` })
}

/** Members that must be functions, for the options that are objects or functions of the app's. */
export function checkHooks(options: Partial<Record<keyof EngineOptions, unknown>>, report: Report): void {
  const isFunction = (value: unknown) => typeof value === 'function'
  const { clock, random, onFault, attributes } = options as Record<string, Record<string, unknown> | undefined>
  if (clock !== undefined && !(isFunction(clock?.now) && isFunction(clock?.after)))
    report({ field: 'clock', message: 'must have the functions now and after' })
  if (random !== undefined && !isFunction(random)) report({ field: 'random', message: 'must be a function' })
  if (onFault !== undefined && !isFunction(onFault)) report({ field: 'onFault', message: 'must be a function' })
  const standard = attributes?.['~standard'] as Record<string, unknown> | undefined
  if (attributes !== undefined && !isFunction(standard?.validate))
    report({ field: 'attributes', message: 'must be a Standard Schema validator' })
}

export function readSecrets(given: unknown, report: Report, field = 'secret'): readonly [string, ...string[]] {
  const [newest, ...older]: unknown[] = Array.isArray(given) ? given : [given]
  const secrets = [newest, ...older]
  secrets.forEach((secret, at) => {
    const message = secretProblem(secret)
    if (message !== undefined) report({ field: secrets.length === 1 ? field : `${field}[${at}]`, message })
  })
  if (new Set(secrets).size !== secrets.length) report({ field, message: 'must not list the same secret twice' })
  if (secrets.length > 10) report({ field, message: 'must not list more than 10 secrets' })
  return secrets.map(String) as [string, ...string[]]
}

const promotionPolicies = ['merge', 'discard', 'refuse'] as const

export function readPromotion(given: unknown, report: Report): PromotionPolicy {
  if (typeof given === 'function') return given as PromotionPolicy
  const found = given === undefined ? 'merge' : promotionPolicies.find((policy) => policy === given)
  if (found === undefined) report({ field: 'promotion', message: `must be a function or one of ${promotionPolicies.join(', ')}` })
  return found ?? 'merge'
}
