import { defineConfig } from 'vitest/config'

const conditions = ['@holdfast/source']

interface Project {
  readonly name: string
  readonly include: string
  readonly exclude?: string[]
  /** Milliseconds that a test or a hook may take on a busy machine. */
  readonly limit: number
  readonly globalSetup?: string[]
}

const project = ({ name, include, exclude = [], limit, globalSetup = [] }: Project) => ({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: { name, include: [include], exclude, globalSetup, testTimeout: limit, hookTimeout: limit },
})

export default defineConfig({
  test: {
    projects: [
      project({ name: 'holdfast', include: 'packages/holdfast/test/**/*.test.ts', limit: 30_000 }),
      project({ name: 'server', include: 'packages/server/test/**/*.test.ts', limit: 30_000 }),
      // Real processes, loaded for seconds, and failovers.
      project({ name: 'history', include: 'test/history/*.test.ts', limit: 120_000 }),
      project({ name: 'browser', include: 'test/browser/*.test.ts', limit: 60_000 }),
      // Compilers, bundlers and npm run here.
      project({
        name: 'system',
        include: 'test/**/*.test.ts',
        exclude: ['test/history/**', 'test/browser/**'],
        limit: 120_000,
        globalSetup: ['test/support/packed-library.ts'],
      }),
    ],
  },
})
