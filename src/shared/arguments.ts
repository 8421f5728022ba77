import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAnyArrayBuffer, isArrayBuffer } from 'node:util/types'
import { defaults } from './defaults.js'
import { invalidType, invalidValue, outOfRange } from './errors.js'
import type { Prefixes, Value } from './types.js'

const DEFAULT_PREFIXES = { data: defaults.dataPrefix, mutex: defaults.lockPrefix }

/** A whole number of at least `least` that a number can hold exactly. */
export function checkWhole(name: string, value: unknown, least = 0): number {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!Number.isSafeInteger(value) || value < least) {
    throw outOfRange(name, `an integer >= ${least} and <= ${Number.MAX_SAFE_INTEGER}`, value)
  }
  return value
}

/** A time span; `undefined` is for ever, unless something else is the default. */
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

/** An id's type. Its form is checked where it is used. */
export function checkId(value: unknown, name = 'id'): string {
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  if (value === '') throw invalidValue(name, 'must not be empty', value)
  return value
}

const hrefOf = Object.getOwnPropertyDescriptor(URL.prototype, 'href')?.get

/** The path of a file on disk: a string or a `file:` URL. */
export function checkPath(value: unknown): string {
  const path = typeof value === 'object' ? pathOf(value) : value
  if (typeof path !== 'string') throw invalidType('path', 'of type string or a file: URL', value)
  return checkPathText('path', path)
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

/** The path of a URL that is one, whatever it says of itself; `undefined` for anything else. */
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

/** The options object itself; left out is an empty one. */
export function checkOptions<T extends object>(value: T | undefined): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || isRevoked(value)) {
    throw invalidType('options', 'of type object', value)
  }
  return value
}

/** Whether it is a proxy that was revoked, of which every look throws an error without a code. */
function isRevoked(value: unknown): boolean {
  try {
    Array.isArray(value) // asks no trap, so that it throws for nothing else
    return false
  } catch {
    return true
  }
}

export function checkPrefixes(value: unknown): { data: string; mutex: string } {
  if (value === undefined) return DEFAULT_PREFIXES
  if (typeof value !== 'object' || value === null || isRevoked(value)) {
    throw invalidType('options.prefixes', 'of type object', value)
  }
  const prefixes = value as Prefixes
  return {
    data: checkPrefix('options.prefixes.data', prefixes.data, DEFAULT_PREFIXES.data),
    mutex: checkPrefix('options.prefixes.mutex', prefixes.mutex, DEFAULT_PREFIXES.mutex),
  }
}

export function checkPrefix<T extends string | undefined>(
  name: string,
  value: unknown,
  absent: T,
): string | T {
  if (value === undefined) return absent
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
  return value
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidType(name, 'of type function', value)
}

/** What can become a segment, in a form that the native code takes. */
export function checkValue(name: string, value: unknown): string | ArrayBufferView | ArrayBuffer {
  if (typeof value === 'string' || ArrayBuffer.isView(value) || isArrayBuffer(value)) return value
  if (isAnyArrayBuffer(value)) return new Uint8Array(value as ArrayBuffer)
  throw invalidType(name, 'of type string or an instance of ArrayBufferView or ArrayBuffer', value)
}

/** Several of them, in an array of our own that nobody changes meanwhile. */
export function checkValues(values: Iterable<Value>): (string | ArrayBufferView | ArrayBuffer)[] {
  const iterable = values as Iterable<Value> | null | undefined
  const wrong = typeof values === 'string' || isRevoked(values)
  if (wrong || typeof iterable?.[Symbol.iterator] !== 'function') {
    throw invalidType('values', 'an iterable of values', values)
  }
  return Array.from(values, (value, at) => checkValue(`values[${at}]`, value))
}

/** Bytes that can be written to. */
export function checkTarget(value: unknown): ArrayBufferView | ArrayBuffer {
  if (ArrayBuffer.isView(value) || isArrayBuffer(value)) return value
  if (isAnyArrayBuffer(value)) return new Uint8Array(value as ArrayBuffer)
  throw invalidType('target', 'an instance of ArrayBufferView or ArrayBuffer', value)
}
