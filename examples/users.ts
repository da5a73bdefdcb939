/** Stands for your own check of a password, a passkey or an identity provider's answer. */
export async function checkPassword(body: unknown): Promise<string | undefined> {
  const { username, password } = (body ?? {}) as { username?: unknown; password?: unknown }
  return username === 'alice' && password === 'correct horse battery staple' ? username : undefined
}
