/**
 * Makes `postMessage` and `structuredClone` refuse an object, with a message that says what to do:
 * they would otherwise send an empty one.
 */
export function doNotClone(object: object, className: string, key: 'id' | 'name'): void {
  // The platform refuses symbols, and shows their description in its error.
  const refusal = Symbol(`${className} does not travel by postMessage: send its ${key} instead`)
  Object.defineProperty(object, 'clone', { value: refusal, enumerable: true })
}
