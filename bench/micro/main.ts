/** A process of its own for the checks. Arguments: folder for the database, effort and population as JSON. */
import { answer, tell } from '../shared/child.ts'
import { allCases, type Population } from './cases.ts'
import { type Effort, runRounds } from './rounds.ts'

const [folder = '', effort = '{}', population = '{}'] = process.argv.slice(2)
answer({})
tell(await runRounds(await allCases(JSON.parse(population) as Population, folder), JSON.parse(effort) as Effort))
