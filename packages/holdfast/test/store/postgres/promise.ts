/** What `Promise.withResolvers` does, for the type library that tests are checked with. */
export function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (fault: Error) => void } {
  let resolve: (value: T) => void = () => {}
  let reject: (fault: Error) => void = () => {}
  const promise = new Promise<T>((onValue, onFault) => {
    resolve = onValue
    reject = onFault
  })
  return { promise, resolve, reject }
}
