import ts from 'typescript';

/** The two kinds of places where decisions stand: entries of tables and lists, and strings of unions. */
export interface MemberFinder {
  /** Returns what is left of an entry of a table or list when it is left out: `[]` or `{}`. Null for other nodes. */
  readonly withoutEntry: (node: ts.Node) => '[]' | '{}' | null;
  /** Returns another string of the union that a string belongs to. Null if the string belongs to no union of ours. */
  readonly otherMember: (node: ts.Node) => string | null;
}

/** Finds entries and members by the types of a program. `sources` are the files that declare the unions of ours. */
export function memberFinder(checker: ts.TypeChecker, sources: readonly ts.SourceFile[]): MemberFinder {
  const ours = new Set(sources.flatMap((source) => namedStrings(source)));

  const isEntry = (list: ts.ArrayLiteralExpression, entry: ts.Expression): boolean => {
    if (list.elements.length < 2 || ts.isSpreadElement(entry) || ts.isOmittedExpression(entry)) return false;
    if (isAssigned(list)) return false;
    // A tuple has places, not members.
    if (isConst(list))
      return list.elements.every((one) => ts.isStringLiteral(one) || ts.isObjectLiteralExpression(one));
    const expected = checker.getContextualType(list);
    return expected === undefined || !typesOf(expected).some((one) => checker.isTupleType(one));
  };

  /** True if an object is a table: a constant of a module with keys that are no fields of an interface. */
  const isTable = (object: ts.ObjectLiteralExpression): boolean => {
    if (object.properties.length < 2 || !isConstantOfModule(object)) return false;
    return !checker
      .getContextualType(object)
      ?.getSymbol()
      ?.declarations?.some((one) => ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one));
  };

  /** Returns the type that a string has to have where it stands. */
  const expectedType = (node: ts.StringLiteral): ts.Type | undefined => {
    const { parent } = node;
    if (ts.isCaseClause(parent)) return checker.getTypeAtLocation(parent.parent.parent.expression);
    if (ts.isBinaryExpression(parent) && isComparison(parent)) {
      const compared = parent.left === node ? parent.right : parent.left;
      return ts.isTypeOfExpression(compared) ? undefined : checker.getTypeAtLocation(compared);
    }
    if (ts.isPropertyAssignment(parent) && parent.initializer === node) {
      // The type of a discriminant: that of the object would already be narrowed by this string.
      const property = checker.getContextualType(parent.parent)?.getProperty(parent.name.getText());
      if (property !== undefined) return checker.getTypeOfSymbolAtLocation(property, node);
    }
    return checker.getContextualType(node);
  };

  return {
    withoutEntry: (node) => {
      const { parent } = node as { readonly parent: ts.Node | undefined };
      if (parent === undefined) return null;
      if (ts.isArrayLiteralExpression(parent)) return isEntry(parent, node as ts.Expression) ? '[]' : null;
      if (!ts.isPropertyAssignment(node) && !ts.isShorthandPropertyAssignment(node)) return null;
      return ts.isObjectLiteralExpression(parent) && isTable(parent) ? '{}' : null;
    },
    otherMember: (node) => {
      if (!ts.isStringLiteral(node) || !ours.has(node.text)) return null;
      const expected = expectedType(node);
      if (expected === undefined) return null;
      const members = typesOf(expected).flatMap((one) =>
        one.isStringLiteral() && ours.has(one.value) ? [one.value] : [],
      );
      const at = members.indexOf(node.text);
      const other = members[(at + 1) % members.length];
      return at === -1 || other === undefined || members.length < 2 ? null : JSON.stringify(other);
    },
  };
}

function typesOf(type: ts.Type): readonly ts.Type[] {
  return type.isUnion() ? type.types : [type];
}

/** Returns the strings that a source names as members: in types, in lists of strings, and as keys of tables. */
function namedStrings(source: ts.SourceFile): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) found.push(node.literal.text);
    if (ts.isArrayLiteralExpression(node)) {
      found.push(...node.elements.flatMap((one) => (ts.isStringLiteral(one) ? [one.text] : [])));
    }
    if (ts.isObjectLiteralExpression(node) && isConstantOfModule(node)) {
      found.push(...node.properties.flatMap(({ name }) => (name === undefined ? [] : [textOf(name)])));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function textOf(name: ts.PropertyName): string {
  return ts.isStringLiteral(name) || ts.isIdentifier(name) ? name.text : '';
}

/** True if a list is what a destructuring assignment writes to. */
function isAssigned(list: ts.ArrayLiteralExpression): boolean {
  const { parent } = list;
  if (ts.isForOfStatement(parent)) return parent.initializer === list;
  const { EqualsToken } = ts.SyntaxKind;
  return ts.isBinaryExpression(parent) && parent.left === list && parent.operatorToken.kind === EqualsToken;
}

function isConst(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isSatisfiesExpression(parent) || ts.isParenthesizedExpression(parent)) return isConst(parent);
  return ts.isAsExpression(parent) && parent.type.getText() === 'const';
}

function isConstantOfModule(object: ts.ObjectLiteralExpression): boolean {
  let node: ts.Node = object.parent;
  while (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) node = node.parent;
  if (!ts.isVariableDeclaration(node) || !ts.isVariableDeclarationList(node.parent)) return false;
  return ts.isSourceFile(node.parent.parent.parent);
}

function isComparison({ operatorToken }: ts.BinaryExpression): boolean {
  const { EqualsEqualsEqualsToken, ExclamationEqualsEqualsToken } = ts.SyntaxKind;
  return operatorToken.kind === EqualsEqualsEqualsToken || operatorToken.kind === ExclamationEqualsEqualsToken;
}
