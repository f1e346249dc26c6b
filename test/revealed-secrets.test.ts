import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FleetError } from '../src/errors.ts';
import { rememberSecret, withoutSecrets } from '../src/revealed-secrets.ts';

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
    [JSON.stringify(`Tr0ub4dor "&3" ü`), String.raw`"[secret]\"&3\" ü"`],
    ['correct-horse-battery', '[secret]'],
    ['', ''],
    ['h', 'h'],
  ];
  for (const [text, safe] of cases) assert.equal(withoutSecrets(text), safe, text);
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
