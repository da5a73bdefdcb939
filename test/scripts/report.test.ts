import { describe, expect, it } from 'vitest'
import { tallyOf } from '../../scripts/checks/report.ts'

function report(...statuses: readonly string[]): string {
  const count = (status: string) => statuses.filter((found) => found === status).length
  return JSON.stringify({
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    testResults: [{ assertionResults: statuses.map((status, at) => ({ status, fullName: `test ${at}` })) }],
  })
}

describe('the tally of a test run', () => {
  it('counts what passed and failed', () => {
    expect(tallyOf(report('passed', 'passed', 'failed'), false)).toEqual({ passed: 2, failed: 1, leftOut: [] })
  })

  it.each(['skipped', 'pending', 'todo', 'disabled'])('names a test that is %s', (status) => {
    expect(tallyOf(report('passed', status), true)).toEqual({ passed: 1, failed: 0, leftOut: ['test 1'] })
  })

  it('has a failure when the run ended badly without a failed test', () => {
    expect(tallyOf(report('passed'), false)).toEqual({ passed: 1, failed: 1, leftOut: [] })
  })

  it('has a failure when no test ran', () => {
    expect(tallyOf(report(), true).failed).toBe(1)
    expect(tallyOf(report('skipped'), true)).toEqual({ passed: 0, failed: 1, leftOut: ['test 0'] })
  })

  it('has a failure when there is no report, or only part of one', () => {
    expect(tallyOf(undefined, true)).toEqual({ passed: 0, failed: 1, leftOut: [] })
    expect(tallyOf('{"numPassedTests": 3, "testRes', true)).toEqual({ passed: 0, failed: 1, leftOut: [] })
    expect(tallyOf('{}', true)).toEqual({ passed: 0, failed: 1, leftOut: [] })
  })
})
