import type * as Binding from '../../binding.js'
import { fail, fromNative } from './errors.js'
import { platformPackage, whyNotLoaded } from './load-error.js'

/** Loads the binary of this platform, or says which one is missing and what to do. */
function load(): typeof Binding {
  try {
    return require('../../binding.js') as typeof Binding
  } catch (thrown) {
    // The loader goes by files of the system, and by how Node.js was built: this goes by the process.
    try {
      return require(platformPackage()) as typeof Binding
    } catch {
      const { message, ...facts } = whyNotLoaded(thrown)
      throw fail('ERR_MMFILE_LOAD', undefined, message, facts)
    }
  }
}

/** The functions that napi-rs generates. */
export const native = load()
const { bun, deno } = process.versions
native.install(
  fromNative as (code: string, message: string, facts: object) => Error,
  bun === undefined && deno === undefined,
)

/** The functions that are called for every message. */
export const operations = native.operations()

/** The default options; their values are the core's. */
export const defaults = native.defaults()
