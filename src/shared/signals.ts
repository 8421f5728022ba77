import { addAbortListener } from 'node:events'
import { abortError, invalidType } from './errors.js'

// A program's signal may have its own members, which may do anything. So only this file touches
// signals, and it uses the members of the platform's prototype.
const { addEventListener, removeEventListener } = EventTarget.prototype
const isAborted = getter('aborted')
const reasonOf = getter('reason')

function getter(name: 'aborted' | 'reason'): (this: AbortSignal) => unknown {
  const get = Object.getOwnPropertyDescriptor(AbortSignal.prototype, name)?.get
  return get as (this: AbortSignal) => unknown
}

/** How Node.js itself listens: no other listener's `stopImmediatePropagation` keeps it from hearing. */
let heard: { once?: boolean } = { once: true }
const own = new AbortController().signal
own.addEventListener = (_type: unknown, _listener: unknown, options?: typeof heard | boolean) => {
  if (typeof options === 'object') heard = options
}
addAbortListener(own, nothing)

function nothing(): void {}

/** Checks that a signal is genuine: an object that only inherits from `AbortSignal` has no events. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  const signal = value as AbortSignal
  try {
    isAborted.call(signal)
    removeEventListener.call(signal, 'abort', nothing) // throws for what is no event target
  } catch {
    throw invalidType('options.signal', 'an instance of AbortSignal', value)
  }
  return signal
}

/** Throws the `AbortError` of a signal that has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && isAborted.call(signal)) throw aborted(signal)
}

/**
 * Calls `listener` with the `AbortError` when the signal aborts. Returns a function that ends that and
 * never throws. If the signal has aborted by now, it throws that error and does not listen.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  listener: (error: Error) => void,
): () => void {
  if (signal === undefined) return nothing
  const hear = (): void => listener(aborted(signal))
  const unlisten = (): void => {
    try {
      removeEventListener.call(signal, 'abort', hear)
    } catch {
      // A proxy of a signal can be revoked meanwhile. The wait has succeeded nevertheless.
    }
  }
  try {
    addEventListener.call(signal, 'abort', hear, heard)
    throwIfAborted(signal) // a proxy's traps may have done that, and `hear` was too early then
  } catch (error) {
    unlisten()
    throw error
  }
  return unlisten
}

function aborted(signal: AbortSignal): Error {
  try {
    return abortError(reasonOf.call(signal))
  } catch {
    return abortError(undefined)
  }
}
