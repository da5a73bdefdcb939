/**
 * What stores are given by callers whose types nobody checked, refused at once and by name: with a misspelt option its default
 * would stand in and show nothing, and an address in place of a client would fail at the first call, as if the server were away.
 */

type TypeName = 'text' | 'number' | 'flag' | 'object' | 'function' | 'function or false'

interface Type {
  readonly message: string
  is(value: unknown): boolean
}

const types: Readonly<Record<TypeName, Type>> = {
  text: { message: 'must be text', is: (value) => typeof value === 'string' },
  number: { message: 'must be a number', is: (value) => typeof value === 'number' },
  flag: { message: 'must be true or false', is: (value) => typeof value === 'boolean' },
  object: { message: 'must be an object', is: (value) => typeof value === 'object' && value !== null },
  function: { message: 'must be a function', is: (value) => typeof value === 'function' },
  'function or false': {
    message: 'must be a function, or false',
    is: (value) => typeof value === 'function' || value === false,
  },
}

/** The options of a store by name, each with what its value must be. */
export type OptionTypes<Options> = { readonly [Name in keyof Required<Options>]: TypeName }

/**
 * Throws a `TypeError` for what is no object, for names in it that are not options, and for values of another type. `prefix`
 * names the option that they are members of.
 */
export function checkOptions<Options>(options: Options, known: OptionTypes<Options>, prefix = ''): void {
  if (!types.object.is(options)) throw new TypeError('the options must be an object')
  const names = Object.keys(known)
  const unknown = Object.keys(options as object).filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    throw new TypeError(`${unknown.map((name) => prefix + name).join(', ')}: not an option; known are ${names.join(', ')}`)
  }
  for (const name of names as (keyof Options & string)[]) {
    const { is, message } = types[known[name]]
    if (options[name] !== undefined && !is(options[name])) throw new TypeError(`${prefix}${name} ${message}`)
  }
}

/** Throws a `TypeError` unless the client has the method. `wanted` says what to pass. */
function checkClient(client: unknown, method: string, wanted: string): void {
  const found = (client as Readonly<Record<string, unknown>> | null | undefined)?.[method]
  if (typeof found !== 'function') throw new TypeError(`the client must be ${wanted}`)
}

export function checkPool(pool: unknown): void {
  checkClient(pool, 'query', 'a pool of pg: new pg.Pool({ connectionString })')
}

export function checkRedisClient(client: unknown): void {
  checkClient(client, 'sendCommand', 'one of node-redis, connected: await createClient({ url }).connect()')
}
