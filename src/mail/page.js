'use strict'
const [what, token] = location.hash.slice(1).split('=')
const byId = (id) => document.getElementById(id)
const value = (id) => byId(id).value
const said = byId('said')
const json = (body, headers) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})
// Credentials of HTTP Basic are UTF-8, and leave no session behind.
const basic = (login, password) =>
  'Basic ' + btoa(String.fromCharCode(...new TextEncoder().encode(`${login}:${password}`)))
const accept = (body, headers) => ['/auth/invitations/accept', json({ token, ...body }, headers)]
// With what is given and nothing else: not as whoever this browser is signed in as.
const alone = ([url, options]) => [url, { ...options, credentials: 'omit' }]
const deeds = {
  reset: () => ['/auth/password-reset/confirm', json({ token, new: value('new') })],
  confirm: () => ['/auth/email/confirm', json({ token })],
  register: () => ['/auth/registration/confirm', json({ token })],
  unsubscribe: () => ['/mail/unsubscribe?token=' + encodeURIComponent(token), { method: 'POST' }],
  'invite-session': () => accept({}),
  'invite-account': () => alone(accept({}, { authorization: basic(value('login'), value('password')) })),
  'invite-newcomer': () =>
    alone(
      accept({
        password: value('first'),
        ...(value('username') && { username: value('username') }),
        ...(value('name') && { name: value('name') }),
      }),
    ),
}
const done = {
  reset: 'The password is set, and all sessions have ended. Sign in with it.',
  confirm: 'The address is confirmed.',
  register: 'The account is made. Sign in with the password that you chose.',
  unsubscribe: 'You will get no more of these mails.',
  invite: (it) => `You are a member of the project "${it.project}" now, as ${it.role}.`,
}
const listen = (form) =>
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    try {
      const answer = await fetch(...deeds[form.id]())
      if (answer.ok) {
        byId(what).hidden = true
        const text = done[what]
        said.textContent = typeof text === 'string' ? text : text(await answer.json())
      } else {
        said.textContent = (await answer.json()).detail
      }
    } catch {
      said.textContent = 'The service did not answer. Try again.'
    }
  })
// Whoever is signed in in this browser is offered to accept as that.
const offer = async () => {
  const me = await fetch('/api/v1/me')
  if (me.ok) {
    const { username, email } = await me.json()
    byId('me').textContent = username ?? email
    byId('invite-session').hidden = false
  }
}
if (token && Object.hasOwn(done, what)) {
  const shown = byId(what)
  shown.hidden = false
  said.textContent = ''
  const forms = shown.matches('form') ? [shown] : shown.querySelectorAll('form')
  forms.forEach(listen)
  if (what === 'invite') offer().catch(() => {})
}
