/** The import rule of ARCHITECTURE.md: who may import whom, and what keeps files small enough to be read. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

import ts from 'typescript';

const root = path.join(import.meta.dirname, '..');

/** Folders of src, and single files of it, from the bottom up. Members of one rank do not import each other. */
const ranks: readonly (readonly string[])[] = [
  ['report', 'seal', '.'],
  ['config'],
  ['transport', 'storage', 'notify'],
  ['collector', 'alerter', 'export', 'simulator'],
  ['serve'],
  ['cli'],
];
/** These import nothing of the project: they run on clients too. */
const sharedWithAgent = ['report', 'seal'];
/** Two files, because the server side serves the demo, the simulator and the tests alone. Every other package: one file. */
const filesAllowed: Readonly<Record<string, number>> = { ssh2: 2 };
/** Built-in modules that are treated like a package: what wraps them is the only one that knows them. */
const wrappedBuiltins = ['node:sqlite'];
const forbiddenNames = /^(utils?|commons?|helpers?|types?|misc)(\.ts)?$/;
const maxLines = 250;
/** Tables of cases are read by the line. */
const maxTestLines = 450;

interface SourceFile {
  /** Relative to the project, with forward slashes. */
  readonly name: string;
  readonly lines: number;
  readonly text: string;
  /** Files of the project. */
  readonly inside: readonly string[];
  /** Those of them that it needs when it runs: imports of types are erased. */
  readonly needs: readonly string[];
  /** Packages and built-in modules, by name. */
  readonly outside: readonly string[];
}

function filesUnder(dir: string): string[] {
  if (!existsSync(path.join(root, dir))) return [];
  return readdirSync(path.join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const name = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return name === 'test/testdata' ? [] : filesUnder(name);
    return /\.c?ts$/.test(entry.name) ? [name] : [];
  });
}

function packageOf(specifier: string): string {
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

interface Import {
  readonly specifier: string;
  /** Erased when it is compiled. */
  readonly typeOnly: boolean;
}

/** Every import, export from, import() and require() with a literal name. */
function importsOf(name: string, text: string): readonly Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      if (ts.isStringLiteral(node.moduleSpecifier)) found.push({ specifier: node.moduleSpecifier.text, typeOnly });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal))
        found.push({ specifier: node.argument.literal.text, typeOnly: true });
    } else if (ts.isCallExpression(node)) {
      const called = node.expression;
      const loads =
        called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require');
      const [argument] = node.arguments;
      if (loads && argument && ts.isStringLiteral(argument)) found.push({ specifier: argument.text, typeOnly: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, text, ts.ScriptTarget.Latest));
  return found;
}

function readSource(name: string): SourceFile {
  const text = readFileSync(path.join(root, name), 'utf8');
  const found = importsOf(name, text);
  const relative = found.filter(({ specifier }) => specifier.startsWith('.'));
  const resolve = ({ specifier }: Import): string => path.posix.join(path.posix.dirname(name), specifier);
  return {
    name,
    text,
    lines: text.split('\n').length - 1,
    inside: relative.map(resolve),
    needs: relative.filter(({ typeOnly }) => !typeOnly).map(resolve),
    outside: [...new Set(found.filter((one) => !relative.includes(one)).map(({ specifier }) => packageOf(specifier)))],
  };
}

/** `config` for src/config/load-config.ts, `cli` for src/cli.ts, src/cli/ and the start, `.` for the other files of src. */
function memberOf(name: string): string {
  const [, first = '', second] = name.split('/');
  if (second !== undefined) return first;
  return first === 'cli.ts' || first === 'fleet-health.cts' ? 'cli' : '.';
}

function rankOf(member: string): number {
  return ranks.findIndex((members) => members.includes(member));
}

const sources = filesUnder('src').map(readSource);
const agentSources = filesUnder('agent').map(readSource);
const everything = [
  ...sources,
  ...agentSources,
  ...filesUnder('test').map(readSource),
  ...filesUnder('bench').map(readSource),
];

test('there is something to look at', () => {
  assert.ok(sources.length > 8, `only ${sources.length} files found in src`);
});

test('nothing that is exported changes, and nothing is imported for its effect: the bundle hands on values alone', () => {
  const changing = sources.filter(({ text }) => /^export (?:let|var)\b|^import ['"]/m.test(text));
  assert.deepEqual(
    changing.map(({ name }) => name),
    [],
  );
});

test('every folder of src has its rank', () => {
  const unknown = sources.map((file) => memberOf(file.name)).filter((member) => rankOf(member) === -1);
  assert.deepEqual([...new Set(unknown)], []);
});

test('imports go downward only, and never between members of one rank', () => {
  const wrong = sources.flatMap((file) => {
    const from = memberOf(file.name);
    return file.inside
      .filter((target) => {
        if (!target.startsWith('src/')) return true;
        const to = memberOf(target);
        if (from === to) return false;
        return sharedWithAgent.includes(from) || rankOf(to) >= rankOf(from);
      })
      .map((target) => `${file.name} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test('the agent imports only itself, src/report and src/seal', () => {
  const wrong = agentSources.flatMap((file) =>
    file.inside
      .filter((target) => !/^(agent|src\/report|src\/seal)\//.test(target))
      .map((target) => `${file.name} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('every import is of a file that exists', () => {
  const wrong = everything.flatMap((file) =>
    file.inside
      .filter((target) => !existsSync(path.join(root, target)))
      .map((target) => `${file.name} imports ${target}, which does not exist`),
  );
  assert.deepEqual(wrong, []);
});

test('each outside package is imported in exactly one file', () => {
  const users = new Map<string, string[]>();
  for (const file of [...sources, ...agentSources]) {
    for (const name of file.outside) {
      if (isBuiltin(name) && !wrappedBuiltins.includes(name)) continue;
      users.set(name, [...(users.get(name) ?? []), file.name]);
    }
  }
  const wrong = [...users].filter(([name, files]) => files.length > (filesAllowed[name] ?? 1));
  assert.deepEqual(wrong, []);

  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const declared = Object.keys(manifest.dependencies);
  const imported = [...users.keys()].filter((name) => !isBuiltin(name));
  assert.deepEqual(
    imported.filter((name) => !declared.includes(name)),
    [],
    'imported, but not a dependency of package.json',
  );
  assert.deepEqual(
    declared.filter((name) => !imported.includes(name)),
    [],
    'a dependency of package.json that nothing imports',
  );
});

test('no import goes in a circle', () => {
  const byName = new Map([...sources, ...agentSources].map((file) => [file.name, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (name: string, way: readonly string[]): void => {
    if (way.includes(name)) {
      circles.push([...way.slice(way.indexOf(name)), name].join(' -> '));
      return;
    }
    if (done.has(name)) return;
    for (const target of byName.get(name)?.needs ?? []) walk(target, [...way, name]);
    done.add(name);
  };
  for (const name of byName.keys()) walk(name, []);
  assert.deepEqual(circles, []);
});

test('no folder or file is named for nothing in particular', () => {
  const wrong = everything.filter((file) => file.name.split('/').some((part) => forbiddenNames.test(part)));
  assert.deepEqual(
    wrong.map((file) => file.name),
    [],
  );
});

test('no file is too long to be read at once', () => {
  const allowed = (file: SourceFile): number => (file.name.startsWith('test/') ? maxTestLines : maxLines);
  const wrong = everything.filter((file) => file.lines > allowed(file)).map((file) => `${file.name}: ${file.lines}`);
  assert.deepEqual(wrong, []);
});

test('every folder has a file that carries its name and says what it is for', () => {
  const folders = [...new Set(sources.map((file) => memberOf(file.name)).filter((member) => member !== '.'))];
  const wrong = folders.filter((folder) => {
    const files = sources.filter((file) => memberOf(file.name) === folder);
    const head = files.find(({ name }) => name === `src/${folder}/${folder}.ts` || name === `src/${folder}.ts`);
    // A folder that has just been begun has nothing to say yet.
    return head === undefined ? files.length > 2 : !/^(\/\*\*|\/\/)/.test(head.text);
  });
  assert.deepEqual(wrong, []);
});
