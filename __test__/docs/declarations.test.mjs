// index.d.ts, the whole public API on one page: its hover texts, and that it matches the loaded package.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const require = createRequire(import.meta.url)
// TypeScript 7 has no API for JavaScript yet; api-extractor brings one that has.
const ts = createRequire(require.resolve('@microsoft/api-extractor'))('typescript')

const page = fileURLToPath(new URL('../../index.d.ts', import.meta.url))
const options = {
  strict: true,
  target: ts.ScriptTarget.ES2022,
  types: ['node'],
  lib: ['lib.esnext.d.ts'],
}
const program = ts.createProgram([page], options)
const checker = program.getTypeChecker()
const source = program.getSourceFile(page)
const everything = checker.getExportsOfModule(checker.getSymbolAtLocation(source))

/** The public declarations and their members: symbols with their full names. */
function* members() {
  for (const exported of everything) {
    const isAlias = exported.flags & ts.SymbolFlags.Alias
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported
    yield [symbol.name, symbol]
    const types = [[checker.getDeclaredTypeOfSymbol(symbol), '#']]
    if (symbol.flags & ts.SymbolFlags.Class) types.push([checker.getTypeOfSymbol(symbol), '.'])
    for (const [type, between] of types) {
      for (const one of checker.getPropertiesOfType(type)) {
        const [declaration] = one.declarations ?? []
        if (declaration?.parent === symbol.declarations[0] && !isHidden(declaration))
          yield [`${symbol.name}${between}${declaration.name.getText()}`, one]
      }
    }
  }
}

const isHidden = ({ name }) => ts.isPrivateIdentifier(name)

const textOf = (parts) => ts.displayPartsToString(parts)

/** The missing parts of a member's documentation: for a method, those of each overload. */
function faultsOf([name, symbol]) {
  const signatures = symbol.declarations
    .filter((one) => ts.isFunctionLike(one) && !ts.isAccessor(one))
    .map((one) => checker.getSignatureFromDeclaration(one))
  if (signatures.length > 0) return signatures.flatMap((one) => faultsOfCall(name, one))
  const faults = []
  const isOption = ts.isPropertySignature(symbol.declarations[0])
  if (!isOption && checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0)
    faults.push(`${name} is a property that is called: editors show no comment at a call`)
  if (textOf(symbol.getDocumentationComment(checker)) === '')
    faults.push(`${name} has no description`)
  return faults
}

function faultsOfCall(name, signature) {
  const faults = []
  if (textOf(signature.getDocumentationComment(checker)) === '')
    faults.push(`${name} has no description`)
  const tags = signature.getJsDocTags()
  const described = tags
    .filter((tag) => tag.name === 'param' && / \S/.test(textOf(tag.text)))
    .map((tag) => textOf(tag.text).split(' ')[0])
  const parameters = signature.parameters.map((parameter) => parameter.name)
  for (const one of parameters)
    if (!described.includes(one)) faults.push(`${name} has no @param ${one}`)
  for (const one of described)
    if (!parameters.includes(one)) faults.push(`${name} has no parameter ${one}`)
  if (!tags.some((tag) => tag.name === 'example' && textOf(tag.text).trim() !== ''))
    faults.push(`${name} has no @example`)
  return faults
}

test('every member has a description, its parameters and an example', (t) => {
  const all = [...members()]
  t.true(all.length > 300, `${all.length} members`)
  t.deepEqual(all.flatMap(faultsOf), [])
})

test('values are declared where there are any, and nowhere else', (t) => {
  const isTypeAlone = ({ declarations }) =>
    declarations.every(ts.isTypeOnlyImportOrExportDeclaration)
  const values = everything.filter((symbol) => {
    const { Alias, Value } = ts.SymbolFlags
    return symbol.flags & Alias ? !isTypeAlone(symbol) : symbol.flags & Value
  })
  const names = Object.keys(require('mmfile'))
  t.deepEqual(values.map(({ name }) => name).sort(), names.sort())
})
