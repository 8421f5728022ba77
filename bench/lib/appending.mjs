// Appending one value again and again, to a file that is new in every round.

const LINE = 64
/** The appends of one round, to new places each, as a file only grows; all of it fits the usual cache. */
export const APPENDS = 8

/** A file with room for that many values, of which some pages may have been touched before. */
export function fileFor(MmFile, count, size, touched, options) {
  const file = MmFile.createNew((count + 1) * (size + 4) + 8, options)
  file.append(Buffer.alloc(4))
  if (touched) {
    // The buffer behind a view is the whole mapping.
    if (touch(new Uint8Array(file.view(0).buffer)) !== 4) throw new Error('a new file is not empty')
  }
  return file
}

/** Reads a byte of every cache line, which maps the pages and brings them as near as they fit. */
export function touch(bytes) {
  let sum = 0
  for (let at = 0; at < bytes.length; at += LINE) sum += bytes[at]
  return sum
}

/** What `micro` measures. */
export function appending(
  MmFile,
  value,
  size,
  { touched, calls = 1, iterations = APPENDS, encoding },
) {
  let file
  return {
    calls,
    iterations,
    before() {
      file = fileFor(MmFile, calls * iterations, size, touched, encoding && { encoding })
    },
    work() {
      for (let call = 0; call < calls; call += 1) file.append(value)
    },
    after() {
      if (file.length !== calls * iterations + 1) throw new Error('appends are missing')
      const last = file.readBytes(file.length - 1)
      const expected = typeof value === 'string' ? Buffer.from(value, encoding ?? 'utf16le') : value
      if (Buffer.compare(last, expected) !== 0) throw new Error('what was appended is not there')
      file.close()
    },
  }
}
