/** What is stored holds accounts of a newer version of this program. */
export class AccountsVersionError extends Error {
  override readonly name = 'AccountsVersionError'
  constructor(found: number, known: number) {
    super(`holds accounts of schema version ${found}; this version of holdfast-server knows up to ${known}`)
  }
}
