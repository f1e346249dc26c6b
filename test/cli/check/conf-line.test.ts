/** The conf line that `check` suggests for a client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { readConfLine } from '../../../agent/checks/check-line.ts';
import { confLine } from '../../../src/cli/check/conf-line.ts';
import { ownFormats, isCheckName } from '../../../src/report/checks.ts';
import { checkOf } from '../../../src/report/check-command.ts';
import type { RequestedCheck } from '../../../src/report/wire.ts';

test('quotes what has to be quoted, and nothing else', () => {
  const check: RequestedCheck = { name: 'mail queue', command: ['/x', '-w', '20%', "it's", '', '$HOME *'] };
  assert.equal(confLine(check), "'mail queue' /x -w 20% 'it'\\''s' '' '$HOME *'");
  const more = { name: 'b', command: ['true'], timeoutSeconds: 5, format: 'prom' } as const;
  assert.equal(confLine({ ...more, everySeconds: 7200 }), 'b every=2h timeout=5s format=prom true');
  assert.equal(confLine({ ...more, everySeconds: 90 }), 'b every=90s timeout=5s format=prom true');
});

test('servers are named as the agents read them', () => {
  const lines = [
    [
      { name: 'http:my shop', command: ['http', 'url=http://a/?b', 'contains="up" $x'], format: 'http' },
      `http 'my shop' 'url=http://a/?b' 'contains="up" $x'`,
    ],
    [
      {
        name: 'tcp:redis',
        command: ['tcp', 'connect=/r.sock', String.raw`send=PING\r\n`],
        everySeconds: 60,
        format: 'tcp',
      },
      String.raw`tcp redis every=1m connect=/r.sock 'send=PING\r\n'`,
    ],
    [{ name: 'dns:a', command: ['dns', 'name=a.b'], timeoutSeconds: 5, format: 'dns' }, 'dns a timeout=5s name=a.b'],
  ] as const;
  for (const [check, line] of lines) {
    assert.equal(confLine(check), line);
    const read = readConfLine(line);
    assert.ok(read !== null && 'command' in read);
    assert.deepEqual([read.name, read.command, read.format], [check.name, check.command, check.format]);
  }
});

test('names certificates and textfiles as the agents read them', () => {
  const checks: readonly (readonly [RequestedCheck, string])[] = [
    [
      { name: 'certificate:www', command: ['connect', 'a.b:443', 'a.b', '1814400', '604800'], format: 'certificate' },
      'certificate www warning=21d critical=7d servername=a.b connect=a.b:443',
    ],
    [
      {
        name: 'certificate:all of them',
        command: ['file', '/etc/*.pem', '', '3600', '60'],
        everySeconds: 86_400,
        format: 'certificate',
      },
      "certificate 'all of them' every=1d warning=1h critical=1m 'file=/etc/*.pem'",
    ],
    [
      { name: 'textfile:/a b', command: ['textfile', '/a b', '7200', 'a_*,b'], timeoutSeconds: 5, format: 'textfile' },
      "textfile '/a b' timeout=5s stale=2h 'metrics=a_*,b'",
    ],
  ];
  for (const [check, line] of checks) {
    assert.equal(confLine(check), line);
    const { everySeconds: every, timeoutSeconds: timeout, ...rest } = check;
    const expected = checkOf({
      ...rest,
      ...(every === undefined ? {} : { every }),
      ...(timeout === undefined ? {} : { timeout }),
    });
    assert.deepEqual(readConfLine(line), expected);
  }
});

test('is read as the check that it was made of', () => {
  const signs = Array.from('ab=/\\"\' $`;|&*#~\u00e4\u{1f600}');
  const word = fc.string({ unit: fc.constantFrom(...signs), maxLength: 8 });
  const check = fc.record(
    {
      name: fc.string({ unit: fc.constantFrom(...Array.from('aB0_.:/ -')), minLength: 1 }).filter(isCheckName),
      command: fc
        .tuple(fc.constantFrom('/x y', 'true', "/it's"), fc.array(word, { maxLength: 5 }))
        .map(([one, more]) => [one, ...more]),
      everySeconds: fc.integer({ min: 1, max: 604_800 }),
      timeoutSeconds: fc.integer({ min: 1, max: 30 }),
      format: fc.constantFrom(...ownFormats),
    },
    { requiredKeys: ['name', 'command'], noNullPrototype: true },
  );
  fc.assert(
    fc.property(check, (one) => {
      const { name, command, everySeconds: every, timeoutSeconds: timeout, format } = one;
      const expected = checkOf({
        name,
        command,
        ...(every === undefined ? {} : { every }),
        ...(timeout === undefined ? {} : { timeout }),
        ...(format === undefined ? {} : { format }),
      });
      assert.notEqual(expected, null);
      assert.deepEqual(readConfLine(confLine(one as RequestedCheck)), expected);
    }),
  );
});
