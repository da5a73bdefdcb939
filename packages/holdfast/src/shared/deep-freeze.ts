/** Freezes plain JSON data. A loop over keys: a list of the values costs more than the freezing. */
export function deepFreeze<T extends object>(value: T): T {
  for (const key in value) {
    const item = value[key]
    if (typeof item === 'object' && item !== null) deepFreeze(item)
  }
  return Object.freeze(value)
}
