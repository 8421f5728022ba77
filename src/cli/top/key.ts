import type { ObjectInfo } from '../../shared/types.js'

/** The key by which a row is found again in the next sample. */
export function keyOf({ kind, id }: Pick<ObjectInfo, 'id' | 'kind'>): string {
  return `${kind} ${id}`
}
