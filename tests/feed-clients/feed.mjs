// Reads the feed from its beginning with the npm package eventsource, which goes on by itself where it is cut. Arguments: URL,
// authorization, number of the last event, how many seconds to wait for it.
import { EventSource } from 'eventsource'

const [url, authorization, last, seconds = '20'] = process.argv.slice(2)
const withCaller = (target, init) => fetch(target, { ...init, headers: { ...init.headers, authorization } })
const source = new EventSource(`${url}/api/v1/events?after=0`, { fetch: withCaller })
const met = []
const end = (code, text) => {
  console.log(text)
  source.close()
  process.exit(code)
}
source.onmessage = (message) => {
  met.push(Number(message.lastEventId))
  if (met.length < Number(last)) return
  const isWhole = met.every((number, index) => number === index + 1)
  end(isWhole ? 0 : 1, `eventsource: ${met.length} events, ${cuts} cuts, ${isWhole ? 'each once and in order' : met}`)
}
let cuts = 0
source.onerror = (error) => {
  cuts += 1
  if (source.readyState === EventSource.CLOSED) end(1, `eventsource: ${error.code} ${error.message}`)
}
setTimeout(() => end(1, `eventsource: only ${met.length} events came`), Number(seconds) * 1_000)
