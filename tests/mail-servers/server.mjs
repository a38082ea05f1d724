// smtp-server as a mail server: STARTTLS on one port, TLS on another, and a login that it asks for.
//
//   server.mjs FOLDER CERTIFICATE KEY STARTTLS_PORT TLS_PORT USER PASSWORD
//
// Each mail is a file in FOLDER, as it came.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'

const [folder, certificate, key, starttlsPort, tlsPort, user, password] = process.argv.slice(2)

const start = async (secure, port) => {
  const server = new SMTPServer({
    secure,
    cert: readFileSync(certificate),
    key: readFileSync(key),
    onAuth: ({ username, password: given }, _session, done) =>
      username === user && given === password ? done(null, { user }) : done(new Error('not good')),
    onData: async (stream, session, done) => {
      const parts = []
      for await (const part of stream) parts.push(part)
      if (!session.secure) return done(new Error('not encrypted'))
      const name = join(folder, randomUUID())
      writeFileSync(`${name}.part`, Buffer.concat(parts))
      renameSync(`${name}.part`, `${name}.eml`)
      done(null, 'kept')
    },
  })
  server.on('error', () => {}) // a client that hangs up
  await once(server.listen(Number(port), '127.0.0.1'), 'listening')
}

await start(false, starttlsPort)
await start(true, tlsPort)
console.log('ready')
