/** What build/bundle.mjs makes of esbuild's chunks. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runInThisContext } from 'node:vm';

const built = pathToFileURL(path.join(import.meta.dirname, '../build/bind-chunk.mjs')).href;
const { bindChunk } = (await import(built)) as { bindChunk: (text: string) => string };

function load(text: string, modules: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const module: { exports: Record<string, unknown> } = { exports: {} };
  const run = runInThisContext(`(function(require,module){${bindChunk(text)}})`) as (...args: unknown[]) => void;
  run((name: string) => modules[name], module);
  return module.exports;
}

test('names are taken and given under other names', () => {
  const { third, plain } = load(
    'import{\n  one as two, plain\n}from"./chunk-A.js";function f(){return two+1}export{f as third,plain};',
    { './chunk-A.js': { one: 1, plain: 'p' } },
  );
  assert.equal((third as () => number)(), 2);
  assert.equal(plain, 'p');
});

test('the default of a package, by either way to write it, is all that it exports', () => {
  const exports = load(
    'import a,{b}from"x";import{default as c,b as d}from"x";import*as e from"x";export{a,b,c,d,e};',
    {
      x: Object.assign(() => 'called', { b: 5 }),
    },
  );
  const { a, b, c, d, e } = exports as Record<'a' | 'c' | 'e', () => string> & Record<'b' | 'd', number>;
  assert.deepEqual([a(), b, c(), d, e()], ['called', 5, 'called', 5, 'called']);
});

test('a package that was an ES module says which default it has', () => {
  const { a, b } = load('import a from"x";import{default as b}from"x";export{a,b};', {
    x: { __esModule: true, default: 7 },
  });
  assert.deepEqual([a, b], [7, 7]);
});

test('a chunk may call one of its exports `default`', () => {
  const chunk = load('var one=1,two=2;export{one as default,two as default2};');
  const text = 'import a,{default as b,default2 as c}from"./chunk-A.js";export{a,b,c};';
  const { a, b, c } = load(text, { './chunk-A.js': chunk });
  assert.deepEqual([a, b, c], [1, 1, 2]);
});

test('a package imported for its effect is loaded, a chunk is not, and words in strings stay', () => {
  let loads = 0;
  const modules = {
    get effect() {
      loads += 1;
      return {};
    },
  };
  const { text } = load(
    'import"effect";import"./chunk-B.js";var text=`import{a}from"b";export{c};`;export{text};',
    modules,
  );
  assert.equal(text, 'import{a}from"b";export{c};');
  assert.equal(loads, 1);
});

test('what no chunk of esbuild has is refused', () => {
  for (const text of ['export*from"./a.js";', 'export{a}from"./a.js";']) {
    assert.throws(() => bindChunk(text), /from elsewhere/);
  }
});
