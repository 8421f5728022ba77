import type * as Binding from '../index.js'
import { fromNative, MmFileError } from './errors.js'

/** Loads the binary of this platform, or says which one is missing and what to do. */
function load(): typeof Binding {
  try {
    return require('../index.js') as typeof Binding
  } catch (cause) {
    const report = process.report?.getReport() as
      | { header?: { glibcVersionRuntime?: string } }
      | undefined
    const glibc = report?.header?.glibcVersionRuntime
    const library =
      process.platform === 'linux'
        ? ` with ${glibc ? `glibc ${glibc}` : 'musl or unknown libc'}`
        : ''
    throw new MmFileError(
      'ERR_MMFILE_LOAD',
      `no native binary of mmfile for ${process.platform} ${process.arch}${library}. ` +
        'If the platform is supported, install the package again without --omit=optional ' +
        'and on the machine that runs it; in a checkout, run "npm run build".',
      { cause },
    )
  }
}

/** The functions that napi-rs generates. */
export const native = load()
native.install(fromNative as (code: string, message: string, facts: object) => Error)

/** The functions that are called for every message. */
export const operations = native.operations()
