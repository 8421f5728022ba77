import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAnyArrayBuffer, isArrayBuffer } from 'node:util/types'
import { invalidType, invalidValue, outOfRange } from './errors.js'
import { defaults, native } from './native.js'
import { checkText } from './text.js'
import type { Access, Prefixes, TextEncodingName, Value } from './types.js'

const DEFAULT_PREFIXES = {
  data: defaults.dataPrefix,
  mutex: defaults.lockPrefix,
  channel: defaults.channelPrefix,
}

/** A whole number of at least `least` that a number can hold exactly. */
export function checkWhole(
  name: string,
  value: unknown,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw outOfRange(name, `an integer >= ${least} and <= ${most}`, value)
  }
  return value
}

/** A time span in milliseconds; `undefined` means the default, which is `Infinity` unless another is given. */
export function checkTime(name: string, value: unknown, absent = Number.POSITIVE_INFINITY): number {
  if (value === undefined) return absent
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!(value >= 0)) throw outOfRange(name, '>= 0', value)
  return value
}

export function checkBoolean(name: string, value: unknown, absent: boolean): boolean {
  if (value === undefined) return absent
  if (typeof value !== 'boolean') throw invalidType(name, 'of type boolean', value)
  return value
}

/** Most ids, of which the native code need not be asked. */
const PLAIN_NAME = /^\w[\w.-]{0,63}$/

/** The id of a file or the name of a mutex. */
export function checkId(value: unknown, name = 'id'): string {
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  const problem = PLAIN_NAME.test(value) ? null : native.problemOfId(value)
  if (problem !== null) throw invalidValue(name, problem, value)
  return value
}

const hrefOf = Object.getOwnPropertyDescriptor(URL.prototype, 'href')?.get

/** How a path ends that can name a folder only. */
const NAMES_A_FOLDER = process.platform === 'win32' ? /(^|[\\/])\.{0,2}$/ : /(^|\/)\.{0,2}$/

/** The path of a file on disk: a string or a `file:` URL. */
export function checkPath(value: unknown): string {
  const path = typeof value === 'object' ? pathOf(value) : value
  if (typeof path !== 'string') throw invalidType('path', 'of type string or a file: URL', value)
  const checked = checkPathText('path', path)
  if (NAMES_A_FOLDER.test(path)) throw invalidValue('path', 'must name a file, not a folder', path)
  return checked
}

/** The folder of an object; `undefined` for the one that the environment or the system names. */
export function checkDirectory(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw invalidType('options.directory', 'of type string', value)
  return checkPathText('options.directory', value)
}

function checkPathText(name: string, path: string): string {
  if (path === '') throw invalidValue(name, 'must not be empty', path)
  if (path.includes('\0')) throw invalidValue(name, 'must not contain null bytes', path)
  return resolve(path)
}

/** The path of a genuine URL, read without its own properties; `undefined` for anything else. */
function pathOf(value: object | null): string | undefined {
  let href: string
  try {
    href = hrefOf?.call(value)
  } catch {
    return undefined
  }
  return fileURLToPath(href)
}

/** Which peers a wait requires, as the native code takes it: the sum of 1 for any and 2 for the creator. */
export function checkRequirePeer(value: unknown): number {
  if (value === undefined || value === false) return 0
  if (value === true) return 1
  if (value === 'creator') return 2
  const name = 'options.requirePeer'
  if (typeof value === 'string') throw invalidValue(name, "must be true, false or 'creator'", value)
  throw invalidType(name, "of type boolean or 'creator'", value)
}

export function checkOneOf<T extends string>(
  name: string,
  value: unknown,
  allowed: readonly T[],
  absent: T,
): T {
  if (value === undefined) return absent
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  const found = allowed.find((one) => one === value)
  if (found === undefined) {
    throw invalidValue(name, `must be one of: '${allowed.join("', '")}'`, value)
  }
  return found
}

const ACCESSES = ['read-write', 'read'] as const
const LIFETIMES = ['creator', 'last-process'] as const

/** The access of the command, which observes what there is without joining the handles that have it open. */
export const OBSERVE = Symbol('observe')

/** The values of `access`. */
export function checkAccess(value: unknown): Access {
  return checkOneOf('options.access', value, ACCESSES, 'read-write')
}

/** Whether what is created lives until its last process, and not only as long as its creator. */
export function checkLastProcess(value: unknown): boolean {
  return checkOneOf('options.lifetime', value, LIFETIMES, 'creator') === 'last-process'
}

/** The options of waits. Where one of them is not obeyed, the call would wait otherwise than the program asked for. */
const OF_WAITS: readonly string[] = ['timeout', 'signal', 'ref', 'spin', 'requirePeer']

/**
 * The options object itself; left out is an empty one. `known` has the names of all options, so that one
 * that is misspelt is not taken for one that was left out.
 */
export function checkOptions<T extends object>(
  value: T | undefined,
  known: readonly (keyof T & string)[],
  name = 'options',
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || isRevoked(value)) {
    throw invalidType(name, 'of type object', value)
  }
  for (const key of Object.keys(value)) {
    if ((known as readonly string[]).includes(key)) continue
    const received = (value as Record<string, unknown>)[key]
    if (OF_WAITS.includes(key)) {
      if (received === undefined) continue
      throw invalidValue(`${name}.${key}`, optionsOf(known), received)
    }
    const meant = known.find((one) => !Object.hasOwn(value, one) && resembles(key, one))
    if (meant === undefined) continue // as Node.js has it
    throw invalidValue(`${name}.${key}`, `is not an option: use '${meant}'`, received)
  }
  return value
}

function optionsOf(known: readonly string[]): string {
  return `is not an option of this call, which has '${known.join("', '")}'`
}

/** Whether one name is a misspelling of another: a letter or two that are wrong, missing or too many. */
function resembles(given: string, known: string): boolean {
  const [a, b] = [given.toLowerCase(), known.toLowerCase()]
  const most = b.length < 3 ? 0 : b.length < 6 ? 1 : 2
  if (Math.abs(a.length - b.length) > most) return false
  return distance(a, b) <= most
}

/** How many letters have to be changed, added, left out, or swapped with the next one. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(before, j - 2) + 1)
      }
      next.push(least)
    }
    before = row
    row = next
  }
  return at(row, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}

/** Whether it is a proxy that was revoked, of which every access throws an error without a code. */
function isRevoked(value: unknown): boolean {
  try {
    Array.isArray(value) // asks no trap, so that it throws for nothing else
    return false
  } catch {
    return true
  }
}

export function checkPrefixes(value: Prefixes | undefined): typeof DEFAULT_PREFIXES {
  if (value === undefined) return DEFAULT_PREFIXES
  const given = checkOptions<Prefixes>(value, ['data', 'mutex', 'channel'], 'options.prefixes')
  const data = checkPrefix('options.prefixes.data', given.data, DEFAULT_PREFIXES.data)
  const mutex = checkPrefix('options.prefixes.mutex', given.mutex, DEFAULT_PREFIXES.mutex)
  const channel = checkPrefix('options.prefixes.channel', given.channel, DEFAULT_PREFIXES.channel)
  if (data === mutex || data === channel || mutex === channel) {
    const all = { data, mutex, channel }
    throw invalidValue('options.prefixes', 'must differ between data, mutex and channel', all)
  }
  return { data, mutex, channel }
}

export function checkPrefix<T extends string | undefined>(
  name: string,
  value: unknown,
  absent: T,
): string | T {
  if (value === undefined) return absent
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  const problem = native.problemOfPrefix(value)
  if (problem !== null) throw invalidValue(name, problem, value)
  return value
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidType(name, 'of type function', value)
}

/** A value that can become a segment, in a form that the native code accepts. */
export function checkValue(
  name: string,
  value: unknown,
  encoding: TextEncodingName,
): string | ArrayBufferView | ArrayBuffer {
  if (typeof value === 'string') {
    checkText(name, value, encoding)
    return value
  }
  if (ArrayBuffer.isView(value) || isArrayBuffer(value)) return value
  if (isAnyArrayBuffer(value)) return new Uint8Array(value as ArrayBuffer)
  throw invalidType(name, 'of type string or an instance of ArrayBufferView or ArrayBuffer', value)
}

/** Several of them, in an array of our own that the program cannot change meanwhile. */
export function checkValues(
  values: Iterable<Value>,
  encoding: TextEncodingName,
): (string | ArrayBufferView | ArrayBuffer)[] {
  const iterable = values as Iterable<Value> | null | undefined
  const wrong = typeof values === 'string' || isRevoked(values)
  if (wrong || typeof iterable?.[Symbol.iterator] !== 'function') {
    throw invalidType('values', 'an iterable of values', values)
  }
  return Array.from(values, (value, at) => checkValue(`values[${at}]`, value, encoding))
}

/** Bytes that can be written to. */
export function checkTarget(value: unknown): ArrayBufferView | ArrayBuffer {
  if (ArrayBuffer.isView(value) || isArrayBuffer(value)) return value
  if (isAnyArrayBuffer(value)) return new Uint8Array(value as ArrayBuffer)
  throw invalidType('target', 'an instance of ArrayBufferView or ArrayBuffer', value)
}
