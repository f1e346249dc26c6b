import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bareText, joined, Markup, markup } from '../../../src/look/page/markup.ts';

for (const { name, value, expected } of [
  { name: 'tags', value: '</script><img onerror=alert(1)>', expected: '&lt;/script&gt;&lt;img onerror=alert(1)&gt;' },
  { name: 'quotes', value: `" onload='x`, expected: '&quot; onload=&#39;x' },
  { name: 'an override of direction', value: 'a\u202egpj.exe', expected: 'a\ufffdgpj.exe' },
  { name: 'escape codes', value: '\u001b[31mred', expected: '\ufffd[31mred' },
  { name: 'a number', value: 3, expected: '3' },
  { name: 'null', value: null, expected: '' },
  { name: 'false', value: false, expected: '' },
  { name: 'a list of HTML and text', value: [new Markup('<b>x</b>'), '<'], expected: '<b>x</b>&lt;' },
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
