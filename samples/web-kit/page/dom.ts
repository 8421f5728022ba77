type Child = Node | string | null

interface Properties {
  [attribute: string]: string | number | boolean | null | ((event: Event) => void)
}

/** An element with attributes and listeners (`onclick`); strings among its children are text, never markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (typeof value === 'boolean') element.toggleAttribute(name, value)
    else if (value !== null) element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child) => child !== null))
  return element
}

/** The element of that id, which the page must have. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`the page has no ${type.name} #${id}`)
}

/** Where the focus goes when the control that had it is gone: to the result of its action. */
export function focusResult(): void {
  byId('result', HTMLElement).focus({ preventScroll: true })
}

/** Changes a text only if it differs, so that nothing is announced or redrawn twice. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
