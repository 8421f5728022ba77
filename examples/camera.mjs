// Frames of 2 MiB, 30 a second, for two consumers: a preview that may miss some, and a recorder that may not.
//
//   node camera.mjs camera [FRAMES] & node camera.mjs preview & node camera.mjs record FILE

import { open } from 'node:fs/promises'
import { setInterval, setTimeout as sleep } from 'node:timers/promises'
import { Channel } from 'mmfile'

const FRAME = 2 << 20
const [role, argument = role === 'record' ? 'frames.raw' : '300'] = process.argv.slice(2)
// Whichever of the three comes first makes it.
const channel = Channel.createOrOpen('camera', { capacity: 16 * FRAME })

/** Stands for a device: fills the target, and returns how many bytes it has. */
async function capture(target, n) {
  await sleep(1)
  return target.fill(n).length
}

if (role === 'camera') {
  const writer = await channel.exclusiveWriter({ timeout: 1000 })
  let n = 0
  for await (const _ of setInterval(1000 / 30)) {
    const room = await writer.reserve(FRAME) // waits for the recorder, never for the preview
    room.commit(await capture(room.bytes, n))
    n += 1
    if (n === Number(argument)) break
  }
  writer.seal()
} else if (role === 'preview') {
  // `requirePeer`: it ends, too, if the camera is killed.
  const frames = channel.reader({ lossy: 'newest', requirePeer: 'writer' })
  for await (const { index } of frames) {
    console.log(`shown ${index}, missed ${frames.missed}`)
    await sleep(200)
  }
} else {
  const output = await open(argument, 'w')
  const frames = channel.reader({ from: 'oldest', as: 'view', requirePeer: 'writer' })
  console.log('recording')
  let count = 0
  // A view is written without a copy; the next step of the loop releases it.
  for await (const { value } of frames) {
    await output.writeFile(value)
    count += 1
  }
  await output.close()
  console.log(`recorded ${count}`)
}
channel.close()
