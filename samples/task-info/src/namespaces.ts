import { XmlElement } from '@rgrove/parse-xml'

const schemaInstance = 'http://www.w3.org/2001/XMLSchema-instance'

/**
 * The parser does not handle namespaces. XmlSerializer writes a TaskInfo without a namespace, so an
 * element of another vocabulary is unknown here even if its local name is known.
 */
export function belongsToNoNamespace(element: XmlElement): boolean {
  return !element.name.includes(':') && defaultNamespace(element) === ''
}

export function defaultNamespace(element: XmlElement): string {
  return declared(element, 'xmlns') ?? ''
}

/** Whether xsi:nil says that the element is null, with any prefix for the namespace. */
export function isNil(element: XmlElement): boolean {
  return Object.entries(element.attributes).some(([name, value]) => {
    const prefix = /^([^:]+):nil$/.exec(name)?.[1]
    if (prefix === undefined || !/^[ \t\n]*(true|1)[ \t\n]*$/.test(value)) return false
    // Hand-written documents tend to forget the declaration, and `xsi` has no other meaning in practice.
    const namespace = declared(element, `xmlns:${prefix}`)
    return namespace === schemaInstance || (namespace === undefined && prefix === 'xsi')
  })
}

function declared(element: XmlElement, attribute: string): string | undefined {
  for (let scope: unknown = element; scope instanceof XmlElement; scope = scope.parent) {
    const value = scope.attributes[attribute]
    if (value !== undefined) return value
  }
  return undefined
}
