/** DateTime.MinValue and MaxValue: the range of XmlSerializer. */
const earliest = utc(1, 1, 1, 0, 0, 0, 0)
const latest = utc(9999, 12, 31, 23, 59, 59, 999)

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/

/** .NET has the years 1 to 9999, and neither side has a text for an invalid Date. */
export function isRepresentable(date: Date): boolean {
  const time = date.getTime()
  return time >= earliest && time <= latest
}

/** The text XmlSerializer writes for a UTC DateTime: no trailing zeros in the fraction, `Z` at the end. */
export function formatDateTime(date: Date): string {
  return date.toISOString().replace(/\.?0*Z$/, 'Z')
}

/**
 * Reads an xsd:dateTime, or returns undefined if the text is not valid.
 *
 * A time without a zone is local time. XmlSerializer reads such a text as DateTimeKind.Unspecified, and
 * .NET takes that for local wherever it converts it; so does JavaScript's own Date. Digits of the
 * fraction beyond the milliseconds that a Date holds are dropped, not rounded: a time read back is never
 * later than the one written.
 */
export function parseDateTime(text: string): Date | undefined {
  const match = dateTime.exec(text)
  if (!match) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as Six
  const millisecond = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const time = utc(year, month, day, hour, minute, second, millisecond)
  // Date carries 30 February over into March; its ISO form then differs from the text.
  if (new Date(time).toISOString().slice(0, 19) !== text.slice(0, 19) || year === 0)
    return undefined

  const zone = match[8]
  if (zone === 'Z') return new Date(time)
  if (zone !== undefined) {
    const offset = zoneMinutes(zone)
    return offset === undefined ? undefined : new Date(time - offset * 60_000)
  }
  const local = new Date(0)
  local.setFullYear(year, month - 1, day)
  local.setHours(hour, minute, second, millisecond)
  // A DateTime that .NET left unset is written as 0001-01-01T00:00:00. East of Greenwich that is before
  // the first year; .NET's own conversion stops at the ends of its range as well.
  return new Date(Math.min(Math.max(local.getTime(), earliest), latest))
}

type Six = [number, number, number, number, number, number]

function utc(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  millisecond: number,
): number {
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.setUTCHours(hour, minute, second, millisecond)
}

/** Minutes east of Greenwich; the schema language allows no more than 14 hours. */
function zoneMinutes(zone: string): number | undefined {
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4, 6))
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
