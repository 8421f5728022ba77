/**
 * Runs `act`, unless it still runs for this button. A busy button keeps the focus, which a disabled one
 * would lose.
 */
export async function whileBusy(button: HTMLElement, act: () => Promise<void>): Promise<void> {
  if (button.ariaBusy === 'true') return
  button.ariaBusy = 'true'
  try {
    await act()
  } finally {
    button.ariaBusy = null
  }
}

/**
 * The second click of a double click does nothing, nor does Enter while it is held down: their target is gone by
 * then.
 */
export function ignoreRepeats(): void {
  const isToggle = (button: Element) => button.hasAttribute('aria-expanded')
  document.addEventListener(
    'click',
    (event) => {
      const button = (event.target as Element).closest('button, a')
      if (event.detail < 2 || button === null || isToggle(button)) return
      event.preventDefault()
      event.stopImmediatePropagation()
    },
    { capture: true },
  )
  document.addEventListener('keydown', (event) => {
    const isText = event.target instanceof HTMLTextAreaElement
    if (event.repeat && event.key === 'Enter' && !isText) event.preventDefault()
  })
}

/** Without a program behind it, a page has nothing to offer but what it shows. */
export function setOffline(offline: boolean): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>('body > :not(dialog) button')
  for (const button of buttons) {
    if (button.hasAttribute('aria-expanded') || button.hasAttribute('data-local')) continue
    const was = button.hasAttribute('data-offline')
    if (offline && !button.disabled) button.setAttribute('data-offline', '')
    if (offline || was) button.disabled = offline
    if (!offline) button.removeAttribute('data-offline')
  }
}
