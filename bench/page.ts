/** The results in the documentation. */
import { readFile, writeFile } from 'node:fs/promises'

const page = new URL('../docs/benchmarks.md', import.meta.url)
const results = /(?<=<!-- results -->\n)[\s\S]*(?=<!-- \/results -->)/

export async function writePage(tables: string): Promise<void> {
  const text = await readFile(page, 'utf8')
  if (!results.test(text)) throw new Error('docs/benchmarks.md has lost its place for results')
  const written = text.replace(results, () => `${tables}\n`)
  await writeFile(page, written)
}
