// Processes at work, for the picture of `mmfile top`: node actors.mjs ROLE FOLDER, until it is ended.

import { Channel, MmFile, NamedMutex } from 'mmfile'

const [role, directory] = process.argv.slice(2)
/** Garbage-collected handles are closed and released. */
const kept = []
const every = (milliseconds, act) => setInterval(act, milliseconds)

const roles = {
  /** Fills a file, measurement by measurement, and takes its lock for a while now and then. */
  station() {
    const options = { id: 'measurements', encoding: 'utf8', directory }
    const file = MmFile.createNew(64 * 1024, options)
    for (let n = 0; n < 1500; n += 1) file.append(measurement(n))
    let n = 1500
    every(100, () => file.append(measurement(n++)))
    const settings = MmFile.createNew(8192, { ...options, id: 'settings' })
    settings.append(JSON.stringify({ interval: 100, unit: '°C', note: 'x'.repeat(6000) }))
    kept.push(settings.lockSync())
  },
  /** Sends jobs, logs, and frames of a camera. */
  dispatcher() {
    const jobs = Channel.createNew({
      id: 'jobs',
      encoding: 'json',
      groups: ['workers'],
      capacity: 32 * 1024,
      directory,
    })
    const log = Channel.createNew({
      id: 'log',
      encoding: 'utf8',
      onFull: 'drop-oldest',
      capacity: 256 * 1024,
      directory,
    })
    const frames = Channel.createNew({ id: 'camera', capacity: 1 << 20, directory })
    const frame = Buffer.alloc(60_000)
    let n = 0
    every(50, () => {
      n += 1
      jobs.trySend({ n, task: 'resize', photo: `photo-${n}.jpg` })
      for (let lines = 0; lines < 12; lines += 1) log.trySend(`GET /photos/${n} 200 ${lines} ms`)
      frames.trySend(frame)
    })
    const mutex = NamedMutex.open('migrations', { directory })
    kept.push(mutex, mutex.lockSync())
  },
  /** Takes jobs, more slowly than they come. */
  async worker() {
    const jobs = Channel.openExisting('jobs', { directory })
    for await (const job of jobs.member('workers')) {
      await new Promise((resolve) => setTimeout(resolve, 130))
      job.ack()
    }
  },
  /** Reads every frame, and the log from time to time. */
  async viewer() {
    const frames = Channel.openExisting('camera', { directory }).reader()
    const log = Channel.openExisting('log', { directory }).reader({ from: 'oldest', lossy: true })
    every(400, () => log.tryReceiveAll(100))
    MmFile.openExisting('measurements', { directory, access: 'read' })
    for await (const _ of frames);
  },
}

function measurement(n) {
  return `${(20 + 3 * Math.sin(n / 40)).toFixed(2)} °C at ${n}`
}

roles[role]()
console.log('at work')
setInterval(() => {}, 1000)
