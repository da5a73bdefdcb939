/** The page: what the user does, and what the server tells. */
import { Live } from './live.js'
import { clear, showIdentity, showMessage, showNotice, showPeople, showWord } from './view.js'
import { ask, eventsOf, Refused } from './wire.js'

const dialog = document.querySelector('#sign-in-dialog')
const retryAfter = 2
/** Whether this page has a session, as far as it knows. */
let hasSession = false

const endings = {
  expired: 'Your session ended, because nothing was said for a while.',
  admin: 'An operator ended your session.',
  logout: 'You signed out.',
  evicted: 'Your session ended, because you signed in on too many devices.',
}

const live = new Live({
  message: showMessage,
  people: (state) => showPeople(state, (session) => tell(ask('DELETE', `sessions/${session}`))),
  ended: (reason) => {
    clear()
    enter(null)
    // Another tab signed in, or somebody did in this one: whose page this is now, the server says.
    if (reason === 'promoted' || reason === 'replaced') setTimeout(start, 500)
    else showNotice(endings[reason] ?? 'Your session has ended.', startAnew)
  },
  lost: () => start(),
})

function enter(session) {
  hasSession = session !== null
  showIdentity(session)
}

/** Shows a refusal instead of losing it. */
async function tell(work) {
  try {
    return await work
  } catch (error) {
    showNotice(error instanceof Refused ? error.message : 'The server cannot be reached. Try again.')
  }
}

/** Asks whose page this is. "Cannot tell" is no answer: asked again, with everything left as it is. */
async function start() {
  try {
    const { session } = await (await ask('GET', 'auth/session')).json()
    showNotice(null)
    enter(session)
    live.open()
  } catch (error) {
    if (error instanceof Refused && error.status < 500) {
      enter(null)
      live.close()
    } else {
      showNotice('Cannot tell right now whether you are signed in; asking again.')
      setTimeout(start, 1000 * (error.retryAfter || retryAfter))
    }
  }
}

/** Takes the cookies of the ended session away. */
async function startAnew() {
  live.close()
  if ((await tell(ask('POST', 'auth/logout'))) === undefined) return
  clear()
  showNotice(null)
  enter(null)
  document.querySelector('#text').focus()
}

async function say(text) {
  const response = await ask('POST', 'converse', { text, carrier: 'cookie' })
  // The first message started the session.
  if (!hasSession) void start()
  for await (const { event, data } of eventsOf(response)) {
    if (event === 'message') showMessage(data)
    if (event === 'word') showWord(data)
  }
}

async function signIn(form) {
  const { username, password } = Object.fromEntries(new FormData(form))
  const problem = form.querySelector('.problem')
  try {
    await ask('POST', 'login', { username, password })
    form.reset()
    dialog.close()
    await start()
  } catch (error) {
    problem.textContent = error.message
    problem.hidden = false
  }
}

function onSubmit(form, run) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = form.querySelector('[type=submit]')
    button.disabled = true
    await run(form)
    button.disabled = false
  })
}

onSubmit(document.querySelector('#say'), async (form) => {
  const { text } = Object.fromEntries(new FormData(form))
  form.reset()
  await tell(say(text))
})
onSubmit(dialog.querySelector('form'), signIn)
document.querySelector('#sign-in').addEventListener('click', () => {
  dialog.querySelector('.problem').hidden = true
  dialog.showModal()
})
dialog.querySelector('[value=cancel]').addEventListener('click', () => dialog.close())
document.querySelector('#sign-out').addEventListener('click', startAnew)
await start()
