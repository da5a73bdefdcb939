/** The standalone server as it is run, in a process of its own, behind a proxy on this host. Argument: its folder. */
import { readConfig } from '../../packages/server/src/config/config.ts'
import { createLogger } from '../../packages/server/src/logging.ts'
import { startServer } from '../../packages/server/src/server.ts'
import { answer, tell } from '../shared/child.ts'
import { origin, secret, setupToken } from './client.ts'

const [folder = ''] = process.argv.slice(2)
const { config, problems } = readConfig(
  {
    PORT: '0',
    HOLDFAST_SECRET: secret,
    HOLDFAST_SETUP_TOKEN: setupToken,
    HOLDFAST_URL: origin,
    HOLDFAST_TRUSTED_PROXIES: '127.0.0.1',
    HOLDFAST_LOG: 'json:error',
  },
  folder,
)
if (config === undefined) throw new Error(JSON.stringify(problems))
const { address } = await startServer(config, createLogger(config.log))
answer({})
tell(address)
