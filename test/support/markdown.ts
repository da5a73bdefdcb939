/** Reads Markdown pages as the documentation tests need them: tables, links, headings, code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './workspace.ts'

export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const fence = /^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm

/** Every page of the repository: at the root, in `docs` and beside the packages. Paths are relative to the root. */
export function pages(): string[] {
  const files = readdirSync(root).concat(
    readdirSync(join(root, 'docs'), { recursive: true }).map((file) => join('docs', String(file))),
    readdirSync(join(root, 'packages')).flatMap((name) =>
      readdirSync(join(root, 'packages', name)).map((file) => join('packages', name, file)),
    ),
  )
  return files.filter((file) => file.endsWith('.md')).sort()
}

export function readPage(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function withoutCode(page: string): string {
  return page.replace(fence, '')
}

/** Code blocks of a language. */
export function codeBlocks(page: string, language: string): string[] {
  return [...page.matchAll(fence)].flatMap(([, name, code]) => (name === language && code !== undefined ? [code] : []))
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}

export function tables(page: string): Table[] {
  const blocks = withoutCode(page).match(/(?:^\|.*\|[ \t]*\n?)+/gm) ?? []
  return blocks.map((block) => {
    const [header = [], _rule, ...rows] = block.trim().split('\n').map(cellsOf)
    return { header: header.map((cell) => cell.toLowerCase()), rows }
  })
}

/** The words between backticks. */
export function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, word]) => word ?? [])
}

/** Anchors of a page's headings, as they are made from the words. */
export function anchors(page: string): Set<string> {
  const headings = withoutCode(page).matchAll(/^#{1,6} (.+)$/gm)
  return new Set(
    [...headings].map(([, words = '']) =>
      words
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Targets of the page's links, without those to other hosts. */
export function ownLinks(page: string): string[] {
  return [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .flatMap(([, target]) => target ?? [])
    .filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
}
