/** The example programs, each in a process and a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './workspace.ts'

const secret = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'

/** Stripping the types of every file takes longer than most examples run: done once for all of them. */
const compileCache = join(tmpdir(), 'holdfast-example-compile-cache')

export class Examples {
  readonly #children: ChildProcess[] = []
  readonly #folders: string[] = []

  async newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'))
    this.#folders.push(folder)
    return folder
  }

  /** Starts one, such as `express` or `chat/main`, and returns its address, read from the line that it prints. */
  async start(name: string, given?: string): Promise<string> {
    const folder = given ?? (await this.newFolder())
    const child = spawn(process.execPath, ['--conditions=@holdfast/source', join(root, 'examples', `${name}.ts`)], {
      cwd: folder,
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: compileCache, HOLDFAST_SECRET: secret, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.push(child)
    let printed = ''
    for await (const chunk of child.stdout) {
      printed += String(chunk)
      const port = /port: (\d+)/.exec(printed)?.[1]
      if (port !== undefined) return `http://127.0.0.1:${port}`
    }
    throw new Error(`the example printed no address: ${printed}`)
  }

  async endPrograms(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      const gone = once(child, 'exit')
      if (child.exitCode === null && child.kill('SIGKILL')) await gone
    }
  }

  async end(): Promise<void> {
    await this.endPrograms()
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true })
  }
}
