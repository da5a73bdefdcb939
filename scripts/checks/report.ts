/** Reads Vitest's JSON report: how many tests passed and failed, and which were left out. */

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** Full names of tests that were skipped or are still to be written. */
  readonly leftOut: readonly string[]
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

const ran: ReadonlySet<string> = new Set(['passed', 'failed'])
const unreadable: Tally = { passed: 0, failed: 1, leftOut: [] }

function parse(text: string | undefined): Report | undefined {
  try {
    const report = JSON.parse(text ?? '') as Partial<Report>
    return Array.isArray(report.testResults) ? (report as Report) : undefined
  } catch {
    return undefined
  }
}

/**
 * A run that went wrong without a failed test (a file that does not load, an unhandled error, no whole report, no
 * test at all) counts as one failure, so that no fault can hide behind a count of zero.
 */
export function tallyOf(reportText: string | undefined, exitedWell: boolean): Tally {
  const report = parse(reportText)
  if (report === undefined) return unreadable
  const { numPassedTests: passed, numFailedTests } = report
  const leftOut = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => !ran.has(status))
    .map(({ fullName }) => fullName)
  const isSound = exitedWell && passed + numFailedTests > 0
  return { passed, failed: isSound ? numFailedTests : Math.max(numFailedTests, 1), leftOut }
}
