import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';

import { loadConfig } from '../../src/config/load-config.ts';
import { attributeValue, xmlFaults } from '../../src/config/xml/well-formed.ts';
import {
  clientOf,
  configFolder,
  faultsOf,
  faultsOfFile,
  faultsOfText,
  loadText,
  nowMs,
} from './support/config-files.ts';

const client = '<client ip="10.0.0.1" mail="a@b"/>';

/** Whole files, and the beginning of the expected fault. */
const broken: readonly (readonly [string, string])[] = [
  ['', '1: the file has no element; <config> must be its root'],
  ['\n\n', '1: the file has no element'],
  ['hello', '1: text outside the root element; remove it'],
  ['clients:\n  - name: web\n', '1: no XML, but YAML; config.xml is <config>...</config>'],
  ['---\nclients: []\n', '1: no XML, but YAML'],
  ['{"clients": []}', '1: no XML, but JSON'],
  ['[\n  {"name": "web"}\n]', '1: no XML, but JSON'],
  ['[clients]\nname=web\n', '1: no XML, but INI'],
  ['# mine\nname = web\n', '1: no XML, but INI'],
  ['<!-- x -->\n<html><body>Not found</body></html>', '2: a web page, and no configuration'],
  [`<config>\n<<<<<<< HEAD\n${client}\n</config>`, '2: the mark of an unfinished merge; keep one version'],
  [`<config>${client}\n=======\n</config>`, '2: the mark of an unfinished merge'],
  [`<config>${client}\n>>>>>>> other\n</config>`, '2: the mark of an unfinished merge'],
  [`<config>${client}\n||||||| base\n</config>`, '2: the mark of an unfinished merge'],
  ['<config>\n<client ip=\u201c10.0.0.1\u201d/></config>', '2: <client> has typographic quotes; write name="value"'],
  [`<config>${client}`, '1: <config> is never closed; write </config>'],
  [`<config>\n<group>${client}</config>`, '2: </config> where <group> is open; write </group> first'],
  [`<config>${client}</config>\n</config>`, '2: </config> closes what was never opened; remove it'],
  [`<config>${client}</config>\n<config/>`, '2: a second root element; everything belongs into one <config>'],
  [`<config>${client}</config>\nmore`, '2: text outside the root element; remove it'],
  [`<config>\nsome text${client}</config>`, '2: text between the tags; only elements and attributes are read'],
  [`<config>\n<![CDATA[x]]>${client}</config>`, '2: a CDATA section; only elements and attributes are read'],
  [`<!DOCTYPE config><config>${client}</config>`, '1: a DOCTYPE or other declaration; remove it'],
  [`<!DOCTYPE c [<!ENTITY a "b">]>\n<config>${client}</config>`, '1: a DOCTYPE or other declaration; remove it'],
  [`<config>\n<!ENTITY a "b">${client}</config>`, '2: a DOCTYPE or other declaration; remove it'],
  ['<config>\n<client ip="&lol;"/></config>', '2: <client> attribute ip: a & that begins no known entity; write &amp;'],
  ['<config>\n<client ip="a & b"/></config>', '2: <client> attribute ip: a & that begins no known entity; write &amp;'],
  ['<config>\n<client ip="&#0;"/></config>', '2: <client> attribute ip: a & that begins no known entity; write &amp;'],
  ['<config>\n<client ip="&#x1b;"/></config>', '2: <client> attribute ip: a & that begins no known entity'],
  ['<config>\n<client ip="&#xD800;"/></config>', '2: <client> attribute ip: a & that begins no known entity'],
  ['<config>\n<client ip="&#9999999;"/></config>', '2: <client> attribute ip: a & that begins no known entity'],
  ['<config>\n<client ip="a<b"/></config>', '2: <client> attribute ip: a < in the value; write &lt;'],
  ['<config>\n<client ip="a" ip="b"/></config>', '2: <client> has the attribute ip twice; remove one'],
  [
    '<config>\n<client ip=10.0.0.1/></config>',
    '2: <client> is not well-formed after its name; attributes are written name="value"',
  ],
  ['<config>\n<client ip="a"port="22"/></config>', '2: <client> is not well-formed after the attribute ip'],
  ['<config>\n<client ip/></config>', '2: <client> is not well-formed after its name'],
  ['<config>\n<client ip="a/></config>', '2: <client> is not well-formed after its name'],
  ['<config>\n<client', '2: <client> is not well-formed after its name'],
  ['<config>\n< client/></config>', '2: a < that begins no tag; write &lt; where it is meant as a letter'],
  ['<config>\n<1client/></config>', '2: a < that begins no tag'],
  ['<config>\n</config x="1">', '2: a closing tag that is not complete; write </name>'],
  ['<config>\n<!-- a -- b --></config>', '2: -- inside a comment; XML allows it at the end alone'],
  ['<config>\n<!-- never', '2: a comment that never ends; write -->'],
  ['<config>\n<?pi never', '2: a processing instruction that never ends; write ?>'],
  ...['<?1 x?>', '<? x?>', '<?x<y?>', '<?', '<?x'].map((text): readonly [string, string] => [
    `<config>\n${text}</config>`,
    '2: a processing instruction without a name; write <?name ...?>, or remove it',
  ]),
  [
    `\n<?xml version="1.0"?><config>${client}</config>`,
    '2: an XML declaration that is not the first of the file or not complete',
  ],
  [`<?xml version="1.1"?><config>${client}</config>`, '1: XML of another version than 1.0; write version="1.0"'],
  [
    `<?xml version="1.0" encoding="ISO-8859-1"?><config>${client}</config>`,
    '1: another encoding than UTF-8; save the file as UTF-8 and say so',
  ],
  [`<config>\n\u{0}${client}</config>`, '2: a control character that XML does not allow; remove it'],
  ['<config>\n<client ip="a\u{1b}[31m"/></config>', '2: a control character that XML does not allow; remove it'],
  [`<config>\n<client ip="a\u{ffff}"/></config>`, '2: a control character that XML does not allow; remove it'],
  ['<group>'.repeat(65), '1: elements nested more than 64 deep'],
  [`<config><client __proto__="x" ip="10.0.0.1"/></config>`, '1: <client> has no attribute __proto__; remove it'],
  [`<config><constructor/>${client}</config>`, '1: there is no element <constructor>'],
  [`<config><client constructor="x" ip="10.0.0.1"/></config>`, '1: <client> has no attribute constructor'],
  [`<config><client toString="x" ip="10.0.0.1"/></config>`, '1: <client> has no attribute toString'],
];

for (const [text, expected] of broken) {
  test(`refuses ${JSON.stringify(text.slice(0, 70))}`, () => {
    const notified = faultsOfText(text).map((line) => line.replace(/^config\.xml:/, ''));
    assert.ok(notified[0]?.startsWith(expected), notified.join('\n'));
  });
}

test('several slips that leave the structure whole are reported together', () => {
  const text = '<config>\n<client ip="a&b"/>\n<client ip="a<b"/>\n<client ip="x" ip="y"/></config>';
  const places = faultsOfText(text).map((line) => line.split(':')[1]);
  assert.deepEqual(places, ['2', '3', '4']);
});

test('takes what XML allows', () => {
  const text = `\u{FEFF}<?xml version='1.0' encoding="utf-8" standalone="yes"?>
<?xml-stylesheet href="x"?>
<!-- a - b
< & -->
<config\t>
<client ip = '10.0.0.1'
  name="a&amp;b&lt;&gt;&quot;&apos;&#65;&#x42; &#xe9;&#128512;"
  mail="a@b"></client ><?pi x?></config><!-- end -->
`;
  const config = loadText(text.replaceAll('\n', '\r\n'));
  assert.equal(clientOf(config).name, 'a&b<>"\'AB é😀');
  assert.equal(clientOf(config).line, 6);
});

test('lines are counted alike with LF and CRLF', () => {
  for (const end of ['\n', '\r\n']) {
    const text = '<config>\n<!--\nx\n-->\n<group\n name="g"\n>\n<client ip="10.0.0.1"\n prt="1"/>\n</group></config>';
    assert.deepEqual(faultsOfText(text.replaceAll('\n', end)), [
      'config.xml:8: <client> has no attribute prt; did you mean "port"?',
    ]);
  }
});

test('bytes that are no UTF-8 are reported with their line', () => {
  const file = path.join(configFolder({}), 'config.xml');
  writeFileSync(file, Buffer.from('<config>\n<!-- \u00fc -->\n</config>', 'latin1'));
  assert.deepEqual(faultsOfFile(file), ['config.xml:2: bytes that are no UTF-8; save the file as UTF-8']);
});

test('a file in a wide or binary form is said to be that, with a byte order mark or without', () => {
  const file = path.join(configFolder({}), 'config.xml');
  const text = `<config>\n${client.repeat(3)}</config>`;
  const small = Buffer.from(text, 'utf16le');
  const wide = Buffer.concat(Array.from(text, (one) => Buffer.from([one.charCodeAt(0), 0, 0, 0])));
  for (const [bytes, fault] of [
    [Buffer.from(`\u{feff}${text}`, 'utf16le'), 'the file is UTF-16; save it as UTF-8'],
    [small, 'the file is UTF-16; save it as UTF-8'],
    [Buffer.from(small).swap16(), 'the file is UTF-16; save it as UTF-8'],
    [wide, 'the file is UTF-32; save it as UTF-8'],
    [gzipSync(text), 'the file is compressed (gzip); unpack it'],
    [Buffer.from('\0\0ab'.repeat(16)), 'the file is no text: it has zero bytes'],
  ] as const) {
    writeFileSync(file, bytes);
    assert.deepEqual(faultsOfFile(file), [`config.xml:1: ${fault}`]);
  }
});

test('files that are too large or no files are refused before they are read', () => {
  const folder = configFolder({ 'config.xml': '<config/>' });
  const file = path.join(folder, 'config.xml');
  truncateSync(file, 64 * 1024 * 1024 + 1);
  assert.deepEqual(faultsOfFile(file), ['config.xml: is larger than 64 MiB; split it with <include>']);
  for (const odd of [folder, '/dev/zero']) {
    assert.match(faultsOf(() => loadConfig({ file: odd, nowMs }), folder).join(), /is no ordinary file; name a file/);
  }
});

test('a named pipe is refused at once, with nobody writing into it', (t) => {
  const file = path.join(configFolder({}), 'config.xml');
  assert.equal(spawnSync('mkfifo', [file]).status, 0);
  // A read that waits for a writer would block this process: it gets one after a while, and an empty text.
  const writer = spawn('/bin/sh', ['-c', 'sleep 10; : >"$1"', 'sh', file], { stdio: 'ignore', detached: true });
  t.after(() => process.kill(-(writer.pid ?? 0), 'SIGKILL'));
  assert.throws(() => loadConfig({ file }), /is no ordinary file; name a file/);
});

test('any value survives being written as an attribute and read', () => {
  const allowed = /^[\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;
  const letters = fc.string({ unit: 'grapheme' }).filter((text) => allowed.test(text));
  fc.assert(
    fc.property(letters, (value) => {
      const written = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
      assert.deepEqual(xmlFaults(`<a b="${written}"/>`), []);
      assert.equal(attributeValue(written), value);
    }),
  );
});

test('the check always ends, with a place inside the text', () => {
  const words = '< > </ /> <config> </config> <a " \' & &lt; = <!-- -- --> <? ?> <![CDATA[ x';
  const pieces = [...words.split(' '), ' b="', ' ', '\n', '\u{0}'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      for (const { offset } of xmlFaults(text)) assert.ok(offset >= 0 && offset <= text.length);
    }),
    { numRuns: 2000 },
  );
});
