import { defineConfig } from 'vitest/config'

const conditions = ['@holdfast/source']
const project = (name: string, include: string) => ({
  ssr: { resolve: { conditions } },
  resolve: { conditions },
  test: { name, include: [include], testTimeout: 30_000, hookTimeout: 30_000 },
})

export default defineConfig({
  test: {
    projects: [
      project('holdfast', 'packages/holdfast/test/**/*.test.ts'),
      project('server', 'packages/server/test/**/*.test.ts'),
      project('system', 'test/**/*.test.ts'),
    ],
  },
})
