/** Each example of config.xml in README and docs/ is loaded where it stands, with the words around it as they are. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { vocabulary } from '../../src/config/vocabulary/vocabulary.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { loadIn, withNeeded, within } from '../config/support/whole-config.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { blocksOf, type Block } from './page-blocks.ts';

const pages = readdirSync(path.join(packageDir, 'docs')).filter((name) => name.endsWith('.md'));
const blocks = ['README.md', ...pages.map((name) => `docs/${name}`)]
  .flatMap(blocksOf)
  .filter(({ text }) => text.startsWith('<') || /^\s*<(?:group|client|serve)\b/.test(text));

const smtp = '<smtp host="localhost" from="a@example.org"/>';
const replies = '<replies imap="imaps://fleet@imap.example.org/INBOX" passwordFile="imap.password"/>';
/** The elements of config.xml that another one needs, by its name. */
const needs: Readonly<Record<string, readonly string[]>> = { replies: [smtp], canary: [smtp, replies] };
/** Names that examples use, and that the rest of their config.xml defines. */
const neighbours: readonly (readonly [name: string, element: string])[] = [
  ['proxyJump="jump-1"', '<bastion name="jump-1" ip="192.0.2.1"/>'],
  ['on="hv-1 hv-2"', '<client name="hv-1"/><client name="hv-2"/>'],
  ['on="sw-3"', '<client name="sw-3"/>'],
  ['group="web"', '<group name="web"><client name="web-7"/></group>'],
  ['clients="db-*', '<client name="db-7" labels="env=prod site=ber role=db"/>'],
];

/** Returns the elements of an example: without remarks beside them, commands below them, and `...` in their places. */
function elementsOf({ text }: Block): string {
  const [xml = ''] = text.trim().split(/\n\n(?!\s*<)/);
  return xml
    .replaceAll(/(>) {2,}(?!\s*<)\S.*$/gm, '$1')
    .replaceAll(/(?<=>\s*)\.\.\.(?=\s*<)/g, '<client name="some-1"/>');
}

/** Returns the elements that stand side by side in an example. */
function topOf(xml: string): readonly string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [, end, name = '', closed] of xml.matchAll(/<(\/?)([a-z]+)(?:[^<>"]|"[^"]*")*?(\/?)>/gi)) {
    if (end !== '/' && depth === 0) names.push(name);
    depth += end === '/' ? -1 : closed === '/' ? 0 : 1;
  }
  return [...new Set(names)];
}

/** Returns the config.xml of an example: within the first place where all of its elements may stand. */
function wholeOf(block: Block): string {
  const xml = elementsOf(block);
  const [first = [], ...others] = topOf(xml).map((name) => vocabulary[name]?.parents ?? []);
  const parent = first.find((one) => others.every((parents) => parents.includes(one)));
  assert.ok(first.length === 0 || parent !== undefined, `${block.page}:${block.line}: stand nowhere side by side`);
  const text = within(parent, xml);
  const needed = topOf(xml).flatMap((name) => needs[name] ?? []);
  const named = neighbours.filter(([name]) => xml.includes(name)).map(([, element]) => element);
  const beside = [...new Set([...needed, ...named])].filter((element) => !xml.includes(element));
  if (!text.includes('<client')) beside.push('<client name="web-9"/>');
  if (!/<(?:alerts|mail)\b/.test(text)) beside.push('<alerts mail="ops@example.org"/>');
  return withNeeded(text, beside);
}

for (const block of blocks) {
  test(`${block.page}:${block.line} loads`, (t) => {
    const whole = wholeOf(block);
    assert.doesNotThrow(() => loadIn(tempFolder(t), whole), whole);
  });
}
