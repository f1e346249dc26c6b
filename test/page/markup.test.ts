import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Markup, markup } from '../../src/page/markup.ts';

for (const [name, value, expected] of [
  ['tags', '</script><img onerror=alert(1)>', '&lt;/script&gt;&lt;img onerror=alert(1)&gt;'],
  ['quotes', `" onload='x`, '&quot; onload=&#39;x'],
  ['an override of direction', 'a\u202egpj.exe', 'a\ufffdgpj.exe'],
  ['escape codes', '\u001b[31mred', '\ufffd[31mred'],
  ['a name from right to left, which is isolated', 'שרת', '\u2068שרת\u2069'],
  ['a number', 3, '3'],
  ['null', null, ''],
  ['false', false, ''],
  ['a list of HTML and text', [new Markup('<b>x</b>'), '<'], '<b>x</b>&lt;'],
] as const) {
  test(`a value in a template: ${name}`, () => {
    assert.equal(markup`<p title="${value}">${value}</p>`.html, `<p title="${expected}">${expected}</p>`);
  });
}
