import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import { editText, openElements, tagText, withEdits } from '../../../src/config/rules/rule-edit.ts';
import { findRule } from '../../../src/config/rules/rule-matcher.ts';
import type { ConfigTree } from '../../../src/config/xml/include.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();

function opened(lines: readonly string[]) {
  const file = path.join(dir, 'config.xml');
  writeFileSync(file, ['<config>', ...lines, '</config>'].join('\n'), { mode: 0o600 });
  const trees: ConfigTree[] = [];
  const config = loadConfig({ file, onValid: (tree) => trees.push(tree) });
  const tree = trees[0] ?? assert.fail('no tree');
  return { file, config, tree, elements: openElements(tree, config.clients) };
}

const client = (name: string): string => `<client name="${name}" ip="${name}.example.org" username="u"/>`;

test('an edit is made at the element around a client, also where groups share a rule', () => {
  const alert = '<alert type="memory" limit="90%"/>';
  const lines = [1, 2].flatMap((index) => [`<group name="g${index}">`, alert, client(`c${index}`), '</group>']);
  const { file, config, tree, elements } = opened(['<alerts mail="ops@example.org"/>', ...lines]);
  const [rule] = config.clients.map(({ rules }) => findRule(rules, 'memory') ?? assert.fail('no rule'));
  assert.ok(rule !== undefined);
  const places = config.clients.map(({ name }) => elements.alertOf(rule, name)?.line);
  assert.deepEqual(places, [4, 8]);
  const element = elements.alertOf(rule, 'c2') ?? assert.fail('no element');
  const edited = loadConfig({ file, tree: withEdits(tree, [{ element, attributes: { for: '4x' }, crowded: false }]) });
  assert.deepEqual(
    edited.clients.map(({ rules }) => findRule(rules, 'memory')?.forCount),
    [1, 4],
  );
  assert.equal(element.attributes['for'], undefined);
});

test('an <alert> is added, and its values are escaped', () => {
  const { file, tree, elements } = opened(['<alerts mail="ops@example.org"/>', client('a')]);
  const { element } = elements.around((names) => names.has('a')) ?? assert.fail('no element');
  const edit = { element, attributes: { name: 'unreachable', for: '3x', note: '"a" & b' }, crowded: false };
  assert.equal(editText(edit), '<alert name="unreachable" for="3x" note="&quot;a&quot; &amp; b"/>');
  const edited = loadConfig({ file, tree: withEdits(tree, [edit]) });
  assert.equal(findRule(edited.clients[0]?.rules ?? [], 'unreachable')?.forCount, 3);
});

test('clients that share a line have no element of their own', () => {
  const { elements } = opened([
    '<alerts mail="ops@example.org"/>',
    `<group name="g">${client('a')}${client('b')}`,
    '</group>',
  ]);
  const around = (...wanted: readonly string[]) =>
    elements.around((names) => names.size === wanted.length && wanted.every((name) => names.has(name)))?.element.name;
  assert.deepEqual([around('a'), around('a', 'b')], [undefined, 'group']);
});

test('an <alert> among others on its line is named by its attributes', () => {
  const alerts = '<alert type="memory" limit="90%"/><alert type="load" limit="2"/>';
  const { config, elements } = opened([
    '<alerts mail="ops@example.org"/>',
    client('a').replace('/>', `>${alerts}\n<alert type="swap" limit="9%"/></client>`),
  ]);
  const of = (name: string) => {
    const rule = findRule(config.clients[0]?.rules ?? [], name) ?? assert.fail(name);
    const element = elements.alertOf(rule, 'a') ?? assert.fail(name);
    return [elements.isCrowded(element), tagText(element)];
  };
  assert.deepEqual(of('load'), [true, '<alert type="load" limit="2">']);
  assert.deepEqual(of('swap'), [false, '<alert type="swap" limit="9%">']);
  assert.equal(tagText((elements.around(() => true) ?? assert.fail('none')).element), '<client name="a">');
});
