/** What is on the screen. Whatever others wrote comes in as text, never as markup. */

const find = (selector) => document.querySelector(selector)
const log = find('#log')
const notice = find('#notice')
const text = find('#text')
const send = find('#say button')
const people = find('#people')

/** By what they are: a question by its number, an answer by the number of its question. */
const bubbles = new Map()

function bubbleOf(from, key) {
  const known = bubbles.get(key)
  if (known !== undefined) return known
  const bubble = document.createElement('p')
  bubble.className = from
  bubble.dir = 'auto'
  bubbles.set(key, bubble)
  log.append(bubble)
  return bubble
}

function change(bubble, content) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80
  bubble.textContent = content
  if (isAtEnd) log.scrollTop = log.scrollHeight
}

export function showMessage({ number, from, text: content, answers }) {
  find('#empty').hidden = true
  const bubble = bubbleOf(from, answers === undefined ? `${number}` : `to ${answers}`)
  bubble.classList.remove('growing')
  change(bubble, content)
}

/** One more word of an answer that is not whole yet. */
export function showWord({ answers, word }) {
  const bubble = bubbleOf('echo', `to ${answers}`)
  bubble.classList.add('growing')
  change(bubble, bubble.textContent + word)
}

/** Also what is on the screen belongs to the session. */
export function clear() {
  bubbles.clear()
  for (const bubble of log.querySelectorAll('.you, .echo')) bubble.remove()
  find('#empty').hidden = false
  people.hidden = true
}

export function showIdentity(session) {
  const visitor = session === null ? 'No session yet' : 'Visitor'
  find('#identity').textContent = session?.subject ?? visitor
  find('#sign-in').hidden = session !== null && session.subject !== null
  find('#sign-out').hidden = session === null
  find('#sign-out').textContent = session?.subject ? 'Sign out' : 'End session'
}

/** Something that the user has to know; with an action, nothing else goes on before it. */
export function showNotice(said, action) {
  notice.hidden = said === null
  notice.querySelector('p').textContent = said ?? ''
  notice.querySelector('button').hidden = action === undefined
  notice.querySelector('button').onclick = action ?? null
  text.disabled = action !== undefined
  send.disabled = action !== undefined
}

export function showPeople({ people: shown, count, operator }, expel) {
  people.hidden = false
  find('#count').textContent = count
  const rows = shown.map(({ session, name, you }) => {
    const row = document.createElement('li')
    const label = document.createElement('span')
    label.textContent = you ? `${name} (you)` : name
    row.append(label)
    if (operator && !you) row.append(expelButton(name, () => expel(session)))
    return row
  })
  people.querySelector('ul').replaceChildren(...rows)
}

function expelButton(name, expel) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'End'
  button.ariaLabel = `End the session of ${name}`
  button.addEventListener('click', expel)
  return button
}
