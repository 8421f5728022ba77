// A job queue on disk: jobs survive every process, and what a dead worker had goes to another one.
//
//   node job-queue.mjs submit 100 && node job-queue.mjs run    (stop it with Ctrl-C)    node job-queue.mjs failed

import cluster from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel } from 'mmfile'

const [role, count = '100'] = process.argv.slice(2)
// The first process that opens them makes them, with their groups: jobs that come before the first worker wait for it.
const openJobs = () =>
  Channel.createOrOpenFile('jobs.mmf', { encoding: 'json', groups: ['workers'] })
const openFailed = () =>
  Channel.createOrOpenFile('failed.mmf', { encoding: 'json', groups: ['operator'] })

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

async function run({ n }) {
  await sleep(10)
  if (n % 10 === 3) throw new Error(`job ${n} cannot be done`)
  console.log(`done ${n}`)
}

if (role === 'submit') {
  const jobs = openJobs()
  for (let n = 0; n < Number(count); n += 1) await jobs.send({ n })
  await jobs.flush() // they survive the machine's end, too
  jobs.close()
} else if (role === 'failed') {
  const failed = openFailed()
  for (const one of failed.member('operator').tryReceiveAll(100)) {
    console.log('failed', one.value)
    one.ack()
  }
  failed.close()
} else if (cluster.isPrimary) {
  for (let n = 0; n < 4; n += 1) cluster.fork()
  cluster.on('exit', () => stop.signal.aborted || cluster.fork()) // its jobs go to another one
  stop.signal.onabort = () => {
    for (const worker of Object.values(cluster.workers)) worker.kill('SIGTERM')
  }
} else {
  const [jobs, failed] = [openJobs(), openFailed()]
  const work = async ({ value, attempt }) => {
    if (attempt > 3) await failed.send({ job: value, attempts: attempt - 1 })
    else await run(value)
  }
  const retryDelay = (attempt) => 20 * attempt
  const onError = (error, { attempt }) => console.log(`attempt ${attempt}: ${error.message}`)
  await jobs.work('workers', work, { concurrency: 4, signal: stop.signal, retryDelay, onError })
  jobs.close()
  failed.close()
  process.disconnect()
}
