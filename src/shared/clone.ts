// The platform refuses symbols, and shows their description in its error.
const refusal = (className: string, key: string): symbol =>
  Symbol(`${className} does not travel by postMessage: send its ${key} instead`)

const refusals = {
  MmFile: refusal('MmFile', 'id'),
  NamedMutex: refusal('NamedMutex', 'name'),
  Channel: refusal('Channel', 'id'),
  Reader: refusal('Reader', "channel's id"),
  Member: refusal('Member', "channel's id"),
}

/**
 * Makes `postMessage` and `structuredClone` refuse an object, with a message that says what to do:
 * they would otherwise send an empty one.
 */
export function doNotClone(object: object, className: keyof typeof refusals): void {
  const refused: { clone?: symbol } = object
  refused.clone = refusals[className]
}
