#!/usr/bin/env node
/** Entry of the `holdfast-server` command. */

/** The prebuilt argon2 crashes Node 22.13 when it is loaded. */
const oldest = { major: 22, minor: 14 } as const

function isOldNode(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major < oldest.major || (major === oldest.major && minor < oldest.minor)
}

/** Node 22 announces on every start that its SQLite may change; the store's tests run on each supported version. */
function hideSqliteNotice(): void {
  const [print] = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning' || !warning.message.includes('SQLite')) print?.(warning)
  })
}

if (isOldNode()) {
  console.error(`holdfast-server needs Node ${oldest.major}.${oldest.minor} or newer; this is ${process.versions.node}`)
  process.exitCode = 1
} else {
  hideSqliteNotice()
  // Loaded after the check: an old Node has no node:sqlite, and would say so less clearly.
  const { runProgram } = await import('./cli/program.ts')
  await runProgram(process.argv)
}

export {}
