/** The secret that answers each question of ssh, and the questions that get no answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { OpensshProgress } from '../../../src/transport/openssh/openssh-log.ts';
import { askpassEnvironment, askpassPath, createPrompter } from '../../../src/transport/openssh/openssh-prompts.ts';

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
  { asked: String.raw`(monitor@web-1) L\303\266senord: `, method: 'keyboard-interactive', gives: 'the password' },
  { asked: String.raw`(monitor@web-1) Nytt l\303\266senord: `, method: 'keyboard-interactive', gives: 'auth-failed' },
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

  const refusals: readonly (readonly [asked: string, method: string, refusal: string])[] = [
    ["x@y's OLD password: ", 'password', 'the password has expired'],
    ["x@y's new password: ", 'password', 'the password has expired'],
    ['Other password: ', 'password', 'ssh asks "Other password:", which is not answered'],
    ['Code: ', 'keyboard-interactive', 'keyboard-interactive asks "Code:", which is not answered'],
    // The account may be called after a code.
    [
      '(pin@code x) Password: ',
      'keyboard-interactive',
      'keyboard-interactive asks "(pin@code x) Password:", which is not answered',
    ],
    [`${'q'.repeat(90)}: `, 'publickey', `ssh asks "${'q'.repeat(80)}", which is not answered`],
  ];
  for (const [asked, method, refusal] of refusals) {
    it(`${asked} by ${method} is refused with its reason`, () => {
      const reply = createPrompter(secrets, key)(asked, { progress: 'login', method });
      assert.equal('refusal' in reply && reply.refusal, refusal);
    });
  }

  it('a name in front of a prompt is none of the prompt', () => {
    const reply = createPrompter(secrets, key)('(pin@code) Password: ', {
      progress: 'login',
      method: 'keyboard-interactive',
    });
    assert.deepEqual(reply, { answer: 'the password' });
  });
  it('a passphrase is for each key where none is named, and is read once', () => {
    const login = { progress: 'login', method: 'publickey' } as const;
    const asked = "Enter passphrase for key '/any': ";
    const answer = createPrompter(secrets, null);
    assert.deepEqual(answer(asked, login), { answer: 'the passphrase' });
    assert.deepEqual(answer(asked, login), { code: 'credentials-unusable', refusal: 'the passphrase is wrong' });
    assert.deepEqual(createPrompter({ ...secrets, passphrase: null }, null)(asked, login), { answer: '' });
  });
  it('are put to the program that passes them on, whatever terminal there is', () => {
    assert.deepEqual(askpassEnvironment('mark'), {
      ...{ SSH_ASKPASS: askpassPath, SSH_ASKPASS_REQUIRE: 'force', FLEET_HEALTH_ASKS: 'mark' },
    });
  });
  it('a password is read once, whoever asks', () => {
    const answer = createPrompter(secrets, key);
    assert.deepEqual(answer("x@y's password: ", { progress: 'login', method: 'password' }), { answer: 'the password' });
    const again = answer('(x@y) Password: ', { progress: 'login', method: 'keyboard-interactive' });
    assert.ok('refusal' in again && /refused/.test(again.refusal));
  });
  it('one with a line break is not read by halves', () => {
    for (const password of ['two\nlines', 'two\rlines']) {
      const answer = createPrompter({ password, passphrase: null }, null);
      const reply = answer("x@y's password: ", { progress: 'login', method: 'password' });
      assert.equal('code' in reply && reply.code, 'credentials-unusable');
    }
  });
  it('nothing that is not configured is answered', () => {
    const answer = createPrompter({ password: null, passphrase: null }, null);
    const reply = answer('(x@y) Password: ', { progress: 'login', method: 'keyboard-interactive' });
    assert.equal('code' in reply && reply.code, 'auth-failed');
  });
});
