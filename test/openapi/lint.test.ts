/** The server's OpenAPI document, judged by a public linter. */
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, it } from 'vitest'
import { openApiDocument } from '../../packages/server/src/openapi.ts'
import { routes } from '../../packages/server/src/routes/index.ts'

/** Redocly's recommended rules, all of them, as they come; a warning counts as an error does. */
const config = { extends: ['recommended'] }

async function findings(document: object): Promise<string[]> {
  const problems = await lintFromString({ source: JSON.stringify(document), config: await createConfig(config) })
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`)
}

describe('the OpenAPI document', () => {
  it('passes the recommended rules of the Redocly linter', async () => {
    expect(await findings(openApiDocument(routes))).toEqual([])
  })

  it('would not pass with an operation that names no security and a path parameter that nobody declares', async () => {
    const document = openApiDocument(routes)
    const operation = { responses: { 200: { description: 'done' } } }
    const found = await findings({ ...document, paths: { '/things/{id}': { get: operation } } })
    for (const rule of ['security-defined', 'path-parameters-defined']) expect(found.join('\n')).toContain(rule)
  })
})
