// Request and reply: any number of servers and callers, in any order.
//
//   node rpc.mjs serve & node rpc.mjs call

import { Channel, MmFileError } from 'mmfile'

const [role] = process.argv.slice(2)
const channel = Channel.createOrOpen('calculator', { encoding: 'json' })

if (role === 'serve') {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())
  console.log('serving')
  // Ends at the signal, once the requests that are being handled have their replies.
  await channel.serve(
    ({ op, a, b }) => {
      if (op !== 'add') throw new RangeError(`what is ${op}?`)
      return a + b
    },
    { signal: stop.signal, concurrency: 8 },
  )
} else {
  for (const request of [{ op: 'add', a: 1, b: 2 }, { op: 'fail' }]) {
    try {
      const reply = await channel.request(request, { timeout: 5000, requireServer: true })
      console.log('reply', reply)
    } catch (error) {
      if (MmFileError.is(error, 'ERR_MMFILE_REMOTE')) console.log('it says', error.cause.message)
      else if (MmFileError.is(error, 'ERR_MMFILE_PEER_GONE')) console.log('no process serves')
      else if (MmFileError.is(error, 'ERR_MMFILE_TIMEOUT')) console.log('no answer')
      else throw error
    }
  }
}
channel.close()
