/** Stands for your own accounts. The operator may end anybody's session. */
export interface Person {
  readonly subject: string
  readonly role: 'member' | 'operator'
}

const people: readonly (Person & { readonly password: string })[] = [
  { subject: 'alice', role: 'member', password: 'correct horse battery staple' },
  { subject: 'olga', role: 'operator', password: 'a quiet harbour at dawn' },
]

export function find(name: string): Person | undefined {
  return people.find(({ subject }) => subject === name)
}

/** Real ones are hashes, and an unknown name takes as long as a wrong password. */
export async function isPasswordOf(person: Person | undefined, password: string): Promise<boolean> {
  return people.some(({ subject, password: own }) => subject === person?.subject && own === password)
}
