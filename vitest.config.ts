import { defineConfig } from 'vitest/config'

const conditions = ['@holdfast/source']

interface Project {
  readonly name: string
  readonly include: string
  readonly exclude?: string[]
  readonly globalSetup?: string[]
}

/** Milliseconds that a test or a hook may take. What hangs is found; what is slow on a busy machine is not a fault. */
const limit = 120_000

const project = ({ name, include, exclude = [], globalSetup = [] }: Project) => ({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: { name, include: [include], exclude, globalSetup, testTimeout: limit, hookTimeout: limit },
})

export default defineConfig({
  test: {
    projects: [
      project({ name: 'holdfast', include: 'packages/holdfast/test/**/*.test.ts' }),
      project({ name: 'server', include: 'packages/server/test/**/*.test.ts' }),
      // Real processes, loaded for seconds, and failovers.
      project({ name: 'history', include: 'test/history/*.test.ts' }),
      project({ name: 'browser', include: 'test/browser/*.test.ts' }),
      // Compilers, bundlers and npm run here.
      project({
        name: 'system',
        include: 'test/**/*.test.ts',
        exclude: ['test/history/**', 'test/browser/**'],
        globalSetup: ['test/support/packed-library.ts'],
      }),
    ],
  },
})
