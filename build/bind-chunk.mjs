// Turns a chunk of esbuild's from an ES module into CommonJS whose imports are constants. esbuild's own way reads each name
// through two getters at every use, and takes a seventh more text for it. Constants are as good: no chunk imports one that
// imports it, for what it imports is needed wherever it is needed itself, and nothing that src exports ever changes.
import ts from 'typescript';

export function bindChunk(text) {
  const file = ts.createSourceFile('chunk.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const exported = [];
  let code = '';
  let at = 0;
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    code += text.slice(at, statement.getStart());
    at = statement.end;
    if (ts.isImportDeclaration(statement)) code += importText(statement);
    else exported.push(...exportedNames(statement));
  }
  code += text.slice(at);
  return `${code}\nmodule.exports={${exported.map(({ local, name }) => `${name}:${local}`).join()}};`;
}

/**
 * What is no chunk is a part of Node or a package. Of those some were ES modules once, and say which default they have; what
 * others export is their default. That of a chunk is a name like any other.
 */
function importText({ importClause, moduleSpecifier }) {
  const required = `require(${JSON.stringify(moduleSpecifier.text)})`;
  const isChunk = moduleSpecifier.text.startsWith('./');
  // Nothing in src is imported for its effect: who takes something of that chunk loads it.
  if (importClause === undefined) return isChunk ? '' : `${required};`;
  const { name: asDefault, namedBindings } = importClause;
  const defaultOf = isChunk ? `${required}.default` : `(m=>m.__esModule?m.default:m)(${required})`;
  const bound = asDefault === undefined ? [] : [`${asDefault.text}=${defaultOf}`];
  const names = [];
  if (namedBindings !== undefined && ts.isNamespaceImport(namedBindings)) {
    bound.push(`${namedBindings.name.text}=${required}`);
  }
  for (const { propertyName, name } of namedBindings?.elements ?? []) {
    if (propertyName?.text === 'default') bound.push(`${name.text}=${defaultOf}`);
    else names.push(propertyName === undefined ? name.text : `${propertyName.text}:${name.text}`);
  }
  if (names.length > 0) bound.push(`{${names.join()}}=${required}`);
  return `const ${bound.join()};`;
}

function exportedNames({ exportClause, moduleSpecifier }) {
  if (moduleSpecifier !== undefined || exportClause === undefined) throw new Error('an export from elsewhere');
  return exportClause.elements.map(({ propertyName, name }) => ({
    local: (propertyName ?? name).text,
    name: name.text,
  }));
}
