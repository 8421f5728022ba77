import { invalidType, invalidValue, outOfRange } from './errors.js'
import type { Fill } from './types.js'

/** The function that the native code calls to fill bytes in place; it returns how many of them count. */
export function filling(byteLength: number, fill: Fill): (buffer: ArrayBuffer) => number {
  return (buffer) => {
    const target = new Uint8Array(buffer)
    const kept: unknown = fill(target)
    if (target.byteLength !== byteLength) {
      throw invalidValue('fill', 'must not move its target elsewhere', fill)
    }
    if (kept === undefined) return byteLength
    if (typeof (kept as PromiseLike<unknown> | null)?.then === 'function') {
      throw invalidValue('fill', 'must not return a promise: it is over when it returns', kept)
    }
    if (typeof kept !== 'number') throw invalidType('result of fill', 'of type number', kept)
    if (!Number.isInteger(kept) || kept < 0 || kept > byteLength) {
      throw outOfRange('result of fill', `an integer >= 0 and <= ${byteLength}`, kept)
    }
    return kept
  }
}
