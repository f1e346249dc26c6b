import assert from 'node:assert/strict';
import { test } from 'node:test';

import { textOfHtml } from '../../../src/notify/replies/text-of-html.ts';

for (const [html, text] of [
  ['<style>ack{}</style><div>ack&nbsp;4h</div>', '\nack 4h\n'],
  ['<STYLE type="x">a</Style >ack', 'ack'],
  ['<title>no</title><script>if (a<b) no</script>ack<br/>x', 'ack\nx'],
  ['<style>never ended ack', ''],
  ['a < b <p class="x">ack</p>', 'a < b \nack\n'],
  ['<span\n>ack</span>  \n 4h', 'ack 4h'],
  ['<!-- no -->ack<!doctype html>', 'ack'],
  ['ack<blockquote>no', 'ack'],
  ['<stylex>ack</stylex>', 'ack'],
  ['<pre>ack</pre><th>x</th>', '\nack\n\nx\n'],
  ['<ul><li>ack</li><li>x</li></ul>', '\n\nack\n\nx\n\n'],
  ['<h1>ack</h1>x<section>y</section>', '\nack\nx\ny\n'],
  ['<!--[if gte mso 9]><xml><a:b>96</a:b></xml><![endif]--><p>ack<o:p></o:p></p>', '\nack\n'],
  ['<!-- a > b --><![if !mso]>ack<![endif]>', 'ack'],
  ['<xml><w:Zoom>0</w:Zoom></xml><noscript>x</noscript><template>y</template>ack', 'ack'],
  ['ack<!-- never ended', 'ack'],
  ['<div style="display:none;max-height:0">ack 9h <div>x</div></div>ack', '\n\n\n\nack'],
  ["<span style='mso-hide: all'>x<br></span>ack", '\nack'],
  ['<span hidden>x</span><img style="display:none">ack', 'ack'],
  ['<div style="display:none">never ended ack', '\n'],
  ['<p title="display:none">ack</p>', '\nack\n'],
  ['<', '<'],
  ['', ''],
] as const) {
  test(`the text of ${JSON.stringify(html)} is ${JSON.stringify(text)}`, () => {
    assert.equal(textOfHtml(html), text);
  });
}

/** Returns the CPU time of the text of HTML of this size, in milliseconds. */
function costOf(part: string, bytes: number): number {
  const html = part.repeat(bytes / part.length);
  const before = process.cpuUsage();
  textOfHtml(html);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

for (const part of [
  '<style ',
  '<style>',
  '<script></',
  '<',
  '<br ',
  '<a>',
  '</style',
  '<title><',
  ' ',
  '&nbsp',
  '<!--',
  '<!---->',
  '<p style="display:none">',
  'style="',
  '<!-- >',
  '<xml>',
]) {
  test(`1 MiB of ${JSON.stringify(part)} are read in linear time`, () => {
    // Quadratic time would be minutes: 64 KiB of some took a second.
    assert.ok(costOf(part, 2 ** 20) < 20_000);
  });
}
