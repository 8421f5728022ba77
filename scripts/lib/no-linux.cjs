// Loaded before the tests under Wine, whose drive Z: is this machine's root: hides what Windows has not, so that
// no test passes by it.

const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

const HIDDEN = /^(?:z:)?[\\/]+(?:proc|dev[\\/]+shm)(?:[\\/]|$)/i
const NAMES = ['readdirSync', 'readFileSync', 'writeFileSync', 'openSync', 'statSync', 'lstatSync']

for (const name of NAMES) {
  const real = fs[name]
  fs[name] = (path, ...rest) => {
    if (typeof path !== 'string' || !HIDDEN.test(path)) return real(path, ...rest)
    if (rest[0]?.throwIfNoEntry === false) return undefined
    const error = new Error(`ENOENT: no such file or directory, '${path}'`)
    throw Object.assign(error, { code: 'ENOENT', errno: -4058, path })
  }
}
const { existsSync } = fs
fs.existsSync = (path) => !(typeof path === 'string' && HIDDEN.test(path)) && existsSync(path)
syncBuiltinESMExports()
