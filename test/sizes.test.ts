/** The sizes that keep the code readable: methods of an interface, lines of a function. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import ts from 'typescript';

const root = path.join(import.meta.dirname, '..');
const mostMethods = 11;
const mostFunctionLines = 60;

const sources = ['src', 'agent', 'build', 'bench'].flatMap((dir) =>
  readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:c?ts|[cm]js)$/.test(name))
    .map((name) => {
      const text = readFileSync(path.join(root, dir, name), 'utf8');
      return ts.createSourceFile(`${dir}/${name}`, text, ts.ScriptTarget.Latest, true);
    }),
);

/** Calls `visit` for each node of each file. */
function walk(visit: (node: ts.Node, source: ts.SourceFile) => void): void {
  for (const source of sources) {
    const each = (node: ts.Node): void => {
      visit(node, source);
      ts.forEachChild(node, each);
    };
    each(source);
  }
}

function hasBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function linesOf(node: ts.Node, source: ts.SourceFile): readonly [first: number, last: number] {
  const lineAt = (at: number): number => source.getLineAndCharacterOfPosition(at).line;
  return [lineAt(node.getStart(source)), lineAt(node.end)];
}

test('there is something to measure', () => {
  assert.ok(sources.length > 500, `only ${sources.length} files found`);
});

test('no interface has more methods than can be remembered', () => {
  const wrong: string[] = [];
  walk((node, source) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    const methods = node.members.filter(
      (member) =>
        ts.isMethodSignature(member) ||
        (ts.isPropertySignature(member) && member.type !== undefined && ts.isFunctionTypeNode(member.type)),
    );
    if (methods.length > mostMethods) wrong.push(`${source.fileName}: ${node.name.text} has ${methods.length}`);
  });
  assert.deepEqual(wrong, []);
});

test('no function is longer than a screen, with the functions in it', () => {
  const wrong: string[] = [];
  walk((node, source) => {
    if (!hasBody(node)) return;
    const [first, last] = linesOf(node, source);
    const lines = last - first + 1;
    if (lines > mostFunctionLines) wrong.push(`${source.fileName}:${first + 1} has ${lines} lines`);
  });
  assert.deepEqual(wrong, []);
});
