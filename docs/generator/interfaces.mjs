// Reads the documented members of a package's interfaces from its sources, by syntax alone.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/**
 * Every exported interface of a package by name, private ones among them, since public ones extend them:
 * `{ isPublic, doc, parents: [{ name, dropped }], members: [{ name, type, optional, doc, default }] }`.
 */
export function interfacesOf(folder) {
  const found = new Map()
  const isPublic = publicNames(join(folder, 'src/index.ts'))
  for (const file of globSync('src/**/*.ts', { cwd: folder }).toSorted()) {
    if (file.includes('src/pb/')) continue
    const text = readFileSync(join(folder, file), 'utf8')
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    for (const node of source.statements) {
      if (ts.isInterfaceDeclaration(node) && isExported(node)) {
        found.set(node.name.text, describe(node, source, isPublic(file, node.name.text)))
      }
    }
  }
  return found
}

/** Members of an interface and of those it extends, as far as the package declares them; nearest first. */
export function allMembers(interfaces, name, seen = new Set()) {
  const own = interfaces.get(name)
  if (own === undefined || seen.has(name)) return []
  seen.add(name)
  const inherited = own.parents.flatMap(({ name: parent, dropped }) =>
    allMembers(interfaces, parent, seen).filter((member) => !dropped.has(member.name)),
  )
  const names = new Set(own.members.map((member) => member.name))
  return [...own.members, ...inherited.filter((member) => !names.has(member.name))]
}

/** Tells whether `index.ts` declares an exported name of a file, or passes it on. */
function publicNames(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const names = new Set()
  const files = new Set(['src/index.ts'])
  for (const node of source.statements) {
    if (!ts.isExportDeclaration(node)) continue
    if (node.exportClause === undefined) files.add(node.moduleSpecifier.text.replace('./', 'src/'))
    else for (const { name } of node.exportClause.elements ?? []) names.add(name.text)
  }
  return (file, name) => names.has(name) || files.has(file)
}

function isExported(node) {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

function describe(node, source, isPublic) {
  return {
    isPublic,
    doc: docOf(node).text,
    parents: (node.heritageClauses ?? []).flatMap((clause) => clause.types.map(parentOf)),
    members: node.members
      .filter((member) => member.name !== undefined)
      .map((member) => {
        const { text, tags } = docOf(member)
        const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText(source)
        const type = (member.type ?? member).getText(source).replaceAll(/\s+/g, ' ')
        return { name, type, optional: member.questionToken !== undefined, doc: text, default: tags.get('default') }
      }),
  }
}

/** `A`, or `Omit<A, 'x' | 'y'>`. */
function parentOf({ expression, typeArguments = [] }) {
  if (expression.getText() !== 'Omit') return { name: expression.getText(), dropped: new Set() }
  const dropped = [...(typeArguments[1]?.getText() ?? '').matchAll(/'([^']+)'/g)].map(([, key]) => key)
  return { name: typeArguments[0]?.getText() ?? '', dropped: new Set(dropped) }
}

function docOf(node) {
  const doc = node.jsDoc?.at(-1)
  const plain = (comment) => (ts.getTextOfJSDocComment(comment) ?? '').replaceAll(/\s+/g, ' ').trim()
  const tags = new Map((doc?.tags ?? []).map((tag) => [tag.tagName.text, plain(tag.comment)]))
  return { text: plain(doc?.comment), tags }
}
