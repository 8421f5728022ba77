// Every lock that is measured, behind the same two functions. `open` answers `acquire`, which waits
// for the lock and may answer a promise, `release`, and `close`.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { makeFolder, removeFolder } from './temporary.mjs'

const require = createRequire(import.meta.url)
const NOTHING = () => {}

/** A file to lock; its folder goes with it. */
function temporary() {
  const folder = makeFolder()
  const path = join(folder, 'file')
  writeFileSync(path, '')
  return { path, remove: () => removeFolder(folder) }
}

function mmfile() {
  const { MmFile } = require('../../dist/index.js')
  return {
    make() {
      const file = MmFile.createNew(4096)
      return { place: file.id, remove: () => file.close() }
    },
    open(id) {
      const file = MmFile.openExisting(id)
      let guard
      return {
        acquire() {
          guard = file.tryLock()
          if (guard === undefined) throw new Error('another process has the lock')
        },
        wait() {
          file.withLockSync(NOTHING)
          if (file.recovered !== 1) throw new Error('the dead holder had no lock')
        },
        release: () => guard.release(),
        once: () => file.withLockSync(NOTHING),
        close: () => file.close(),
      }
    },
  }
}

function flock(fsExt) {
  return {
    make() {
      const { path, remove } = temporary()
      return { place: path, remove }
    },
    open(path) {
      const file = openSync(path, 'r+')
      const acquire = () => fsExt.flockSync(file, 'ex')
      const release = () => fsExt.flockSync(file, 'un')
      return {
        acquire,
        release,
        wait: acquire,
        once() {
          acquire()
          release()
        },
        close: () => closeSync(file),
      }
    },
  }
}

function lmdb({ open }) {
  return {
    make() {
      const { path, remove } = temporary()
      return { place: `${path}-data`, remove }
    },
    open(path) {
      const env = open({ path, noSync: true, encoding: 'binary' })
      const once = () => env.transactionSync(NOTHING)
      return {
        /** Held for ever: a transaction is a function. */
        hold: (held) => env.transactionSync(held),
        wait: once,
        once,
        close: () => env.close(),
      }
    },
  }
}

/** By default it throws out of a timer when the file of a lock goes, as ours do at the end. */
const onCompromised = () => {}

function properLockfile({ lockSync, unlockSync, lock }) {
  return {
    make() {
      const { path, remove } = temporary()
      return { place: path, remove }
    },
    open(path) {
      const release = () => unlockSync(path)
      return {
        acquire: () => lockSync(path),
        release,
        async wait() {
          const retries = { retries: 10_000, factor: 1, minTimeout: 10, maxTimeout: 10 }
          await lock(path, { retries, onCompromised })
        },
        once() {
          lockSync(path)
          unlockSync(path)
        },
        close() {},
      }
    },
  }
}

const KINDS = { mmfile, 'fs-ext': flock, lmdb, 'proper-lockfile': properLockfile }
export const LOCKS = Object.keys(KINDS)
/** The lock of that name, made of the peer's module. */
export const lockOf = (name, module) => KINDS[name](module?.default ?? module)
