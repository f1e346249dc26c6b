import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { evaluateMatch, parseMatch } from '../../../src/transport/ssh-config/ssh-config-match.ts';

const subject = {
  ...{ originalHost: 'Web', host: 'Real', user: 'Ops', localUser: 'Me', tag: null as string | null, final: false },
};

describe('a Match line', () => {
  const table: readonly (readonly [line: string, holds: unknown, more?: Partial<typeof subject>])[] = [
    ['all', true],
    ['!all', false],
    ['ALL', true],
    ['final', false],
    ['!final', true],
    ['final', true, { final: true }],
    ['canonical', false],
    ['canonical', true, { final: true }],
    ['host real', true],
    ['host REAL', true],
    ['Host web', false],
    ['!host web,x', true],
    ['host=real', true],
    ['user "O=s"', true, { user: 'O=s' }],
    ['originalhost WEB', true],
    ['originalhost web', true],
    ['originalhost real', false],
    ['user Ops', true],
    ['user ops', false],
    ['user Me', false],
    ['localuser Me', true],
    ['localuser me', false],
    ['localuser Ops', false],
    ['tagged ""', true],
    ['tagged *', false],
    ['tagged ""', false, { tag: 't' }],
    ['tagged *', true, { tag: 't' }],
    ['tagged T', false, { tag: 't' }],
    ['host real user Ops', true],
    ['host real user ops', false],
    ['exec x', { unknown: 'exec' }],
    ['!Exec x localnetwork y', { unknown: 'Exec' }],
    ['exec x host web', false],
    ...['localnetwork', 'version', 'sessiontype', 'command'].map((name) => [`${name} x`, { unknown: name }] as const),
    ['command ""', { unknown: 'command' }],
  ];
  for (const [line, holds, more] of table) {
    it(`${line} ${JSON.stringify(more ?? {})}`, () => {
      const criteria = parseMatch(line);
      assert.ok(typeof criteria !== 'string', line);
      assert.deepEqual(evaluateMatch(criteria, { ...subject, ...more }), holds);
    });
  }

  const faults = {
    '# comment': 'Match has no criterion',
    'host "x': 'Match has no criterion',
    'all host x': 'Match all cannot be followed by another criterion',
    'foo x': 'Match has a criterion that ssh does not know',
    'host all foo': 'Match has a criterion that ssh does not know',
    Host: 'Match Host has no pattern',
    'user ""': 'Match user has no pattern',
    'exec ""': 'Match exec has no pattern',
    'host x !user': 'Match user has no pattern',
  };
  for (const [line, says] of Object.entries(faults)) it(line, () => assert.equal(parseMatch(line), says));
});
