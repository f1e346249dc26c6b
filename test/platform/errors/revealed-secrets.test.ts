import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { rememberSecret, withoutSecrets } from '../../../src/platform/errors/revealed-secrets.ts';
import { assertHidden, encoded, encodingNames as names } from '../../support/encodings.ts';
import { isLong, isWide } from '../../support/long-tests.ts';

test('nothing is taken out before something was revealed', () => {
  assert.equal(withoutSecrets('hunter2 and hunter22'), 'hunter2 and hunter22');
});

test('a secret that a machine repeats is taken out, in every form in which it may come', () => {
  for (const secret of ['hunter2', `Tr0ub4dor "&3" ü`, 'correct-horse-battery', 'hunter22']) rememberSecret(secret);
  const cases: readonly (readonly [string, string])[] = [
    ['it was hunter2', 'it was [secret]'],
    ['hunter2hunter2, hunter22!', '[secret][secret], [secret]!'],
    ['hunter', 'hunter'],
    [Buffer.from('hunter2').toString('base64'), '[secret]=='],
    [Buffer.from('hunter2').toString('hex'), '[secret]'],
    [encodeURIComponent(`Tr0ub4dor "&3" ü`), '[secret]'],
    [`Tr0ub4dor "&3" ü`, '[secret]'],
    [JSON.stringify(`Tr0ub4dor "&3" ü`), '[secret]'],
    [`it said Tr0ub4dor?? ü`, 'it said [secret]?? ü'],
    ['correct-horse-battery', '[secret]'],
    ['', ''],
    ['h', 'h'],
  ];
  for (const [text, safe] of cases) assert.equal(withoutSecrets(text), safe, text);
});

const unit = fc.constantFrom(...Array.from('abzAZ09 %&<"/:+_.-üé'));
/** Words beside a secret, of characters that no secret here has. */
const around = fc.string({ unit: fc.constantFrom(...Array.from('mnoMNO35 ,;(ö')), maxLength: 5 });
const secrets = fc.string({ unit, minLength: 12, maxLength: 30 }).map((text) => `7x${text}!`);

test('no encoding of a secret shows eight of its characters', () => {
  fc.assert(
    fc.property(secrets, around, around, fc.constantFrom(...names), (secret, before, after, name) => {
      rememberSecret(secret);
      const shown = withoutSecrets(`it said ${encoded(name, secret, before, after)}.`);
      assertHidden(shown, encoded(name, secret, '', '').slice(2, -4), name, encoded(name, '', before, after));
    }),
    { numRuns: isLong ? 5_000 : isWide ? 1_000 : 300 },
  );
});

test('a secret that was encoded twice is found', () => {
  // Capitals of base64 cannot be decoded.
  const reversible = names.filter((name) => !/case|capitals/.test(name));
  const two = fc.tuple(fc.constantFrom(...reversible), fc.constantFrom(...reversible));
  fc.assert(
    fc.property(secrets, around, two, (secret, before, [inner, outer]) => {
      rememberSecret(secret);
      const written = (words: string): string => encoded(outer, encoded(inner, secret, words, ''), '', '');
      const shown = withoutSecrets(`it said ${written(before)}.`);
      const words = encoded(outer, encoded(inner, '', before, ''), '', '');
      assertHidden(shown, written('').slice(6, -6), `${inner} in ${outer}`, words);
    }),
    { numRuns: isLong ? 5_000 : isWide ? 1_000 : 300 },
  );
});

test('what may be a name is left: taking it out everywhere would tell it', () => {
  for (const name of ['monitor', 'web-db', 'ab1', '']) rememberSecret(name);
  assert.equal(withoutSecrets('monitor was refused at web-db, ab1'), 'monitor was refused at web-db, ab1');
});

test('the words of an error about a client are looked through', () => {
  rememberSecret('s3cret-word');
  const error = new FleetError({ code: 'no-shell', stage: 'agent', client: 'web-1', message: 'sh: s3cret-word: no' });
  assert.equal(error.message, 'sh: [secret]: no');
  assert.doesNotMatch(String(error.stack), /s3cret-word/);
});
