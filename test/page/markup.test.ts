import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bareText, joined, Markup, markup } from '../../src/page/markup.ts';

for (const [name, value, expected] of [
  ['tags', '</script><img onerror=alert(1)>', '&lt;/script&gt;&lt;img onerror=alert(1)&gt;'],
  ['quotes', `" onload='x`, '&quot; onload=&#39;x'],
  ['an override of direction', 'a\u202egpj.exe', 'a\ufffdgpj.exe'],
  ['escape codes', '\u001b[31mred', '\ufffd[31mred'],
  ['a number', 3, '3'],
  ['null', null, ''],
  ['false', false, ''],
  ['a list of HTML and text', [new Markup('<b>x</b>'), '<'], '<b>x</b>&lt;'],
] as const) {
  test(`a value in a template: ${name}`, () => {
    assert.equal(markup`<p title="${value}">${value}</p>`.html, `<p title="${expected}">${expected}</p>`);
  });
}

test('a name from right to left is isolated by an element between tags, and stands as it is in an attribute', () => {
  const name = 'שרת <1>';
  const safe = 'שרת &lt;1&gt;';
  assert.equal(
    markup`<p class="a" title="x ${name} ${[name]}">${name}: ${[name, 'web']}</p>`.html,
    `<p class="a" title="x ${safe} ${safe}"><bdi>${safe}</bdi>: <bdi>${safe}</bdi>web</p>`,
  );
  assert.equal(joined([name, 'a', name], ' · ').html, `<bdi>${safe}</bdi> · a · <bdi>${safe}</bdi>`);
  assert.equal(bareText(name).html, `\u2068${safe}\u2069`);
});
