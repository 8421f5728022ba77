/**
 * Shows a list as the rows of a table. A row stays the same element as long as its item exists: news
 * from the server does not remove a focused or selected element. `make` is called again only for an
 * item that has changed.
 */
export class Rows<T> {
  readonly #rows = new Map<string, { row: HTMLTableRowElement; shown: string }>()

  constructor(
    private readonly body: HTMLTableSectionElement,
    private readonly key: (item: T) => string,
    private readonly fill: (row: HTMLTableRowElement, item: T) => void,
  ) {}

  /** Rows are made again where `mode` is another one, too. */
  show(items: readonly T[], mode = ''): void {
    const kept = new Set(items.map(this.key))
    for (const [key, { row }] of this.#rows) {
      if (kept.has(key)) continue
      row.remove()
      this.#rows.delete(key)
    }
    items.forEach((item, index) => {
      const row = this.#row(item, mode)
      if (this.body.rows[index] !== row) this.body.insertBefore(row, this.body.rows[index] ?? null)
    })
  }

  #row(item: T, mode: string): HTMLTableRowElement {
    const key = this.key(item)
    const json = mode + JSON.stringify(item)
    const known = this.#rows.get(key)
    if (known?.shown === json) return known.row
    const row = known?.row ?? document.createElement('tr')
    row.setAttribute('role', 'row')
    const focused = row.contains(document.activeElement) ? document.activeElement : null
    const action = focused?.getAttribute('data-action')
    this.fill(row, item)
    if (action) row.querySelector<HTMLElement>(`[data-action="${action}"]`)?.focus()
    this.#rows.set(key, { row, shown: json })
    return row
  }
}

/** The roles are said though they are the elements' own: narrow windows lay the cells out as blocks. */
export function cell(label: string, ...children: (Node | string)[]): HTMLTableCellElement {
  const element = document.createElement('td')
  element.setAttribute('role', 'cell')
  // A self-explanatory value has no label.
  if (label !== 'Actions' && label !== 'Selected') element.setAttribute('data-label', label)
  element.append(...children)
  return element
}
