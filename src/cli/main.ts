#!/usr/bin/env node
import { fail } from './output.js'

/** The commands load the binary, which may not be there. */
async function main(): Promise<number> {
  try {
    const { run } = await import('./run.js')
    return await run(process.argv.slice(2))
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MMFILE_LOAD') throw error
    return fail(error)
  }
}

main().then((status) => {
  process.exitCode = status
})
