import { native } from './native.js'

/** What the options are where a program gives none; the core has the values. */
export const defaults = native.defaults()
