'use strict'
const [what, token] = location.hash.slice(1).split('=')
const said = document.getElementById('said')
const json = (body) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const deeds = {
  reset: () => ['/auth/password-reset/confirm', json({ token, new: document.getElementById('new').value })],
  confirm: () => ['/auth/email/confirm', json({ token })],
  unsubscribe: () => ['/mail/unsubscribe?token=' + encodeURIComponent(token), { method: 'POST' }],
}
const done = {
  reset: 'The password is set, and all sessions have ended. Sign in with it.',
  confirm: 'The address is confirmed.',
  unsubscribe: 'You will get no more of these mails.',
}
if (token && Object.hasOwn(deeds, what)) {
  const form = document.getElementById(what)
  form.hidden = false
  said.textContent = ''
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    try {
      const answer = await fetch(...deeds[what]())
      if (answer.ok) {
        form.hidden = true
        said.textContent = done[what]
      } else {
        said.textContent = (await answer.json()).detail
      }
    } catch {
      said.textContent = 'The service did not answer. Try again.'
    }
  })
}
