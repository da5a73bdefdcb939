/** Source files as the layout tests see them: code without its comments, and what it imports. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface SourceFile {
  /** Relative to the folder that was asked for, with forward slashes. */
  readonly path: string
  readonly text: string
}

const scripts = /\.(?:ts|tsx)$/
/** What is installed, built or left by a run; folders whose name starts with a dot are not ours either. */
const skipped: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', 'data'])

export function sourceFiles(folder: string): SourceFile[] {
  const paths: string[] = []
  const pending = [folder]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name)
      if (entry.isDirectory() && !entry.name.startsWith('.') && !skipped.has(entry.name)) pending.push(path)
      if (entry.isFile() && scripts.test(entry.name)) paths.push(path)
    }
  }
  return paths.sort().map((path) => ({ path: relative(folder, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }))
}

/** Strings are matched so that a `//` inside one does not start a comment. */
const stringOrComment = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g

export function withoutComments(text: string): string {
  return text.replace(stringOrComment, (match) => (match.startsWith('/') ? ' ' : match))
}

const importing = /\b(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*\(?\s*(['"])([^'"\n]+)\1/g

/** Every module specifier that the code imports or re-exports, statically or by `import()`. */
export function specifiersOf(text: string): string[] {
  return [...withoutComments(text).matchAll(importing)].flatMap(([, , specifier]) => specifier ?? [])
}

const typeStatement = /\b(?:import|export)\s+type\b[^'"`;()]*?\bfrom\s*(['"])[^'"\n]+\1/g

/** Specifiers that are still there when the code runs: whole `import type` statements are gone by then. */
export function runtimeSpecifiersOf(text: string): string[] {
  return specifiersOf(withoutComments(text).replace(typeStatement, ''))
}
