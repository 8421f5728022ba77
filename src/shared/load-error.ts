// The error message for a binary that could not be loaded.

interface Report {
  header?: { glibcVersionRuntime?: string }
  sharedObjects?: string[]
}

/** The C library of this process, as people call it and as package names spell it. */
function library(): { title: string; suffix: string } {
  if (process.platform === 'win32') return { title: '', suffix: '-msvc' }
  if (process.platform !== 'linux') return { title: '', suffix: '' }
  const report = systemReport()
  const glibc = report?.header?.glibcVersionRuntime
  if (glibc) return { title: ` with glibc ${glibc}`, suffix: '-gnu' }
  return report?.sharedObjects?.some((name) => name.includes('musl'))
    ? { title: ' with musl', suffix: '-musl' }
    : { title: ' with an unknown C library', suffix: '-gnu' }
}

/** Node.js's report of this process; other runtimes may have none, or refuse to make one. */
function systemReport(): Report | undefined {
  try {
    return process.report?.getReport() as Report | undefined
  } catch {
    return undefined
  }
}

/** The package that has the binary of this platform. */
export function platformPackage(): string {
  return `mmfile-${process.platform}-${process.arch}${library().suffix}`
}

/** The names of the packages with this version's binaries. In a checkout there are none. */
function binaryPackages(): Record<string, string> {
  try {
    const { optionalDependencies } = require('../../package.json') as {
      optionalDependencies?: Record<string, string>
    }
    return optionalDependencies ?? {}
  } catch {
    return {}
  }
}

/** The loader's messages for a missing file and for an unknown platform. */
const NOT_THERE = /^(Cannot find|Unsupported) /

/** The system's message about a file that exists, without the loader's other attempts. */
function refusal(error: unknown): Error | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (NOT_THERE.test(one.message)) continue
    Reflect.deleteProperty(one, 'cause')
    return one
  }
  return undefined
}

/** The advice about a flag of the runtime that prevents loading; `undefined` if there is none. */
function flagged(said: string): string | undefined {
  if (/addons is disabled/.test(said)) {
    return (
      'this process may load no addons. Start Node.js with --allow-addons where it has --permission, and ' +
      'without --no-addons; NODE_OPTIONS counts, too'
    )
  }
  // Deno, and Node.js where it may not read the file, name the flag themselves.
  return /--allow-/.test(said) ? said : undefined
}

/** Why the binary of this platform could not be loaded, what to do about it, and what the system said. */
export function whyNotLoaded(thrown: unknown): { message: string; cause?: Error } {
  const machine = `${process.platform} ${process.arch}${library().title}`
  const cause = refusal(thrown)
  const refused = (remedy: string) => ({
    message: `the native binary of mmfile cannot be loaded on ${machine}: ${remedy}.`,
    ...(cause && { cause }),
  })
  const said = cause?.message.trim().replace(/\.$/, '') ?? ''
  const flag = flagged(said)
  if (flag !== undefined) return refused(flag)
  const path = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (path) {
    return refused(
      `the environment variable NAPI_RS_NATIVE_LIBRARY_PATH names ${path}${said ? `, and ${said}` : ''}. ` +
        'Unset it, or have it name a binary for this platform',
    )
  }
  if (said) {
    return refused(
      `${said}. If node_modules came from another machine, install it again on this one; ` +
        'binaries for glibc need 2.17 or newer',
    )
  }
  return { message: `no native binary of mmfile for ${machine}: ${missing()}.` }
}

/** Which package is missing, and how to get it. */
function missing(): string {
  const name = platformPackage()
  const packages = binaryPackages()
  const known = Object.keys(packages)
  if (known.length > 0 && !(name in packages)) {
    const platforms = known.map((one) => one.replace(/^mmfile-/, '')).join(', ')
    return (
      `this version has them for ${platforms}. ` +
      'Run it on one of these, or build the binary here, by "npm run build" in a checkout, and name it ' +
      'in the environment variable NAPI_RS_NATIVE_LIBRARY_PATH'
    )
  }
  return (
    `${name} is not installed. ` +
    'Install mmfile again on the machine that runs it, with its optional dependencies ' +
    '(npm without --omit=optional; a lock file made on another system may lack them: ' +
    `then run "npm install ${known.length > 0 ? `${name}@${packages[name]}` : name}"); ` +
    'in a checkout, run "npm run build"'
  )
}
