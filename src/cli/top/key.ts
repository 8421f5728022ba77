import type { ObjectInfo } from '../../shared/types.js'

/** By what a row is the same in the next sample. */
export function keyOf({ kind, id }: Pick<ObjectInfo, 'id' | 'kind'>): string {
  return `${kind} ${id}`
}
