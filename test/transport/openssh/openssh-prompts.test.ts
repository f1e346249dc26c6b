/** The secret that answers each question of ssh, and the questions that get no answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { OpensshProgress } from '../../../src/transport/openssh/openssh-log.ts';
import { createPrompter } from '../../../src/transport/openssh/openssh-prompts.ts';

const secrets = { password: 'the password', passphrase: 'the passphrase' };
const key = '/keys/id';

interface Case {
  readonly asked: string;
  readonly method: string | null;
  readonly progress?: OpensshProgress;
  /** An answer, or the code of a refusal. */
  readonly gives: string;
}

const unknownHost = 'The authenticity of host cannot be established. Continue (yes/no)? ';
const cases: readonly Case[] = [
  { asked: `Enter passphrase for key '${key}': `, method: 'publickey', gives: 'the passphrase' },
  { asked: `Enter passphrase for key '${key}': `, method: null, gives: 'the passphrase' },
  // The server asks in ssh's words. It gets its own secret at most.
  { asked: `Enter passphrase for key '${key}': `, method: 'keyboard-interactive', gives: 'the password' },
  { asked: `(x@y) Enter passphrase for key '${key}': `, method: 'keyboard-interactive', gives: 'the password' },
  { asked: "Enter passphrase for key '/keys/other': ", method: 'publickey', gives: '' },
  { asked: "monitor@web-1's password: ", method: 'password', gives: 'the password' },
  { asked: "monitor@web-1's password: ", method: null, progress: 'silent', gives: 'credentials-unusable' },
  { asked: "Enter monitor@web-1's old password: ", method: 'password', gives: 'auth-failed' },
  { asked: '(monitor@web-1) Password: ', method: 'keyboard-interactive', gives: 'the password' },
  { asked: 'Password: ', method: 'keyboard-interactive', gives: 'the password' },
  { asked: '(monitor@web-1) Verification code: ', method: 'keyboard-interactive', gives: 'auth-failed' },
  { asked: '(monitor@web-1) New password: ', method: 'keyboard-interactive', gives: 'auth-failed' },
  { asked: 'Enter PIN for ED25519-SK key /keys/sk: ', method: 'publickey', gives: 'credentials-unusable' },
  { asked: unknownHost, method: null, progress: 'greeted', gives: 'credentials-unusable' },
];

describe('what ssh asks', () => {
  for (const { asked, method, progress = 'login', gives } of cases) {
    it(`${asked.trim()} (${progress}, ${String(method)})`, () => {
      const reply = createPrompter(secrets, key)(asked, { progress, method });
      assert.equal('answer' in reply ? reply.answer : reply.code, gives);
    });
  }

  it('a password is read once, whoever asks', () => {
    const answer = createPrompter(secrets, key);
    assert.deepEqual(answer("x@y's password: ", { progress: 'login', method: 'password' }), { answer: 'the password' });
    const again = answer('(x@y) Password: ', { progress: 'login', method: 'keyboard-interactive' });
    assert.ok('refusal' in again && /refused/.test(again.refusal));
  });
  it('one with a line break is not read by halves', () => {
    const answer = createPrompter({ password: 'two\nlines', passphrase: null }, null);
    const reply = answer("x@y's password: ", { progress: 'login', method: 'password' });
    assert.equal('code' in reply && reply.code, 'credentials-unusable');
  });
  it('nothing that is not configured is answered', () => {
    const answer = createPrompter({ password: null, passphrase: null }, null);
    const reply = answer('(x@y) Password: ', { progress: 'login', method: 'keyboard-interactive' });
    assert.equal('code' in reply && reply.code, 'auth-failed');
  });
});
