import { readdirSync } from 'node:fs';
import path from 'node:path';

import ts from 'typescript';

import type { Random } from '../fuzz/random.ts';
import { memberFinder, type MemberFinder } from './find-members.ts';

/** A small change of a source file that a test should notice. */
export interface Break {
  readonly id: number;
  /** The path from the project's folder. */
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
  /**
   * A statement is left out. An entry of a list or table is left out, and `after` is the empty list or object in its
   * place. Of the other kinds `after` takes the place of the expression `before`.
   */
  readonly kind: Kind;
}

const kinds = ['operator', 'constant', 'condition', 'statement', 'entry', 'member', 'words'] as const;
type Kind = (typeof kinds)[number];

/** Other operators that an operator is replaced by. */
const otherOperators: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '&&': '||',
  '||': '&&',
  '??': '&&',
  '+': '-',
  '-': '+',
};

const compilerOptions: ts.CompilerOptions = {
  ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, types: ['node'] },
  target: ts.ScriptTarget.ES2023,
  ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
};

type Candidate = Omit<Break, 'id'>;

/** Returns all breaks that are possible in the files below each folder. `lib` declares what the language has. */
export function findBreaks(
  root: string,
  folders: readonly string[],
  lib: readonly string[] = ['lib.es2023.d.ts'],
): readonly (readonly Candidate[])[] {
  const filesOf = folders.map((folder) => sourcesBelow(root, folder));
  const program = ts.createProgram(
    filesOf.flat().map((file) => path.join(root, file)),
    { ...compilerOptions, lib: [...lib] },
  );
  const own = program.getSourceFiles().filter(({ fileName }) => !fileName.includes('/node_modules/'));
  const finder = memberFinder(program.getTypeChecker(), own);
  return filesOf.map((files) =>
    files.flatMap((file) => {
      const source = program.getSourceFile(path.join(root, file));
      return source === undefined ? [] : breaksOf(file, source, finder);
    }),
  );
}

/** Chooses `count` of the breaks, the same number of each folder's. Breaks of one file do not overlap. */
export function chooseBreaks(possible: readonly (readonly Candidate[])[], count: number, random: Random): Break[] {
  const chosen: Candidate[] = [];
  for (const [index, ofFolder] of possible.entries()) {
    const candidates = [...ofFolder];
    const until = Math.round((count * (index + 1)) / possible.length);
    while (chosen.length < until && candidates.length > 0) {
      // Constants are many and tell little: each kind is as likely as the others.
      const kind = random.pick(kinds);
      const ofKind = candidates.filter((one) => one.kind === kind);
      const candidate = ofKind[random.below(ofKind.length)];
      if (candidate !== undefined) candidates.splice(candidates.indexOf(candidate), 1);
      if (candidate !== undefined && !chosen.some((other) => overlap(other, candidate))) chosen.push(candidate);
    }
  }
  return chosen.map((one, id) => ({ id, ...one }));
}

function sourcesBelow(root: string, folder: string): readonly string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(folder, name))
    .sort();
}

type Place = Pick<Break, 'file' | 'start' | 'end'>;

function overlap(one: Place, other: Place): boolean {
  return one.file === other.file && one.start < other.end && other.start < one.end;
}

/** Returns all breaks that are possible in a file. */
function breaksOf(file: string, source: ts.SourceFile, finder: MemberFinder): readonly Candidate[] {
  const { text } = source;
  const found: Candidate[] = [];
  const add = (node: ts.Node, kind: Break['kind'], after: string): void => {
    const start = node.getStart(source);
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ file, line, start, end: node.end, before: text.slice(start, node.end), after, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isExpressionStatement(node)) add(node, 'statement', '');
    const constant = otherConstant(node);
    if (constant !== null) add(node, 'constant', constant);
    const operation = otherOperation(node, source);
    if (operation !== null) add(node, 'operator', operation);
    const condition = conditionOf(node);
    if (condition !== null) add(condition, 'condition', `!(${condition.getText(source)})`);
    const rest = finder.withoutEntry(node);
    if (rest !== null) add(node, 'entry', rest);
    const member = finder.otherMember(node);
    if (member !== null) add(node, 'member', member);
    const words = withoutWords(node, source);
    if (words !== null) add(node, 'words', words);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function conditionOf(node: ts.Node): ts.Expression | null {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return node.expression;
  return ts.isConditionalExpression(node) ? node.condition : null;
}

function otherConstant(node: ts.Node): string | null {
  // A test should notice a limit of nothing. It need not notice one that differs by one.
  if (ts.isNumericLiteral(node)) return isName(node) ? null : node.text === '0' ? '1' : '0';
  if (node.kind === ts.SyntaxKind.TrueKeyword) return 'false';
  return node.kind === ts.SyntaxKind.FalseKeyword ? 'true' : null;
}

function otherOperation(node: ts.Node, source: ts.SourceFile): string | null {
  if (!ts.isBinaryExpression(node)) return null;
  const { left, operatorToken, right } = node;
  const operator = otherOperators[operatorToken.getText(source)];
  if (operator === undefined || isText(left) || isText(right)) return null;
  return `((${left.getText(source)}) ${operator} (${right.getText(source)}))`;
}

/** Returns what is left of a message, a statement of SQL or a pattern without its text. Null for other nodes. */
function withoutWords(node: ts.Node, source: ts.SourceFile): string | null {
  if (ts.isRegularExpressionLiteral(node)) return node.text.replace(/^[^]*\//, '/(?!)/');
  if (ts.isTemplateExpression(node) && !ts.isTaggedTemplateExpression(node.parent)) {
    const texts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
    const values = node.templateSpans.map(({ expression }) => `\${${expression.getText(source)}}`);
    return texts.join('').includes(' ') ? `\`${values.join('')}\`` : null;
  }
  if (!ts.isStringLiteralLike(node) || !node.text.includes(' ') || isName(node)) return null;
  const isExpression = !ts.isExpressionStatement(node.parent) && !ts.isTaggedTemplateExpression(node.parent);
  return isExpression ? "''" : null;
}

function isName(node: ts.Node): boolean {
  return (ts.isPropertyAssignment(node.parent) || ts.isPropertySignature(node.parent)) && node.parent.name === node;
}

/** True if an operand of `+` makes a text of the sum. */
function isText(node: ts.Expression): boolean {
  if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) return true;
  return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken && isText(node.left);
}
