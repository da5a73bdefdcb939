/**
 * What stores are given by callers whose types nobody checked, refused at once and by name: with a misspelt option its default
 * would stand in and show nothing, and an address in place of a client would fail at the first call, as if the server were away.
 */

/** Throws a `TypeError` for what is no object, and for names in it that are not options. */
export function checkOptions(options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('the options must be an object')
  const unknown = Object.keys(options).filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new TypeError(`${unknown.join(', ')}: not an option; known are ${names.join(', ')}`)
}

/** Throws a `TypeError` unless the client has the method. `wanted` says what to pass. */
export function checkClient(client: unknown, method: string, wanted: string): void {
  const found = (client as Readonly<Record<string, unknown>> | null | undefined)?.[method]
  if (typeof found !== 'function') throw new TypeError(`the client must be ${wanted}`)
}
