import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isPasswordPrompt, planLogin } from '../../../src/transport/ssh2/login.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { decodeLoginKey } from '../../../src/transport/credentials/private-key.ts';
import { SshAgent, type Credentials } from '../../../src/transport/credentials/credentials.ts';
import type { AuthenticationType } from '../../../src/transport/connection/ssh2.ts';

const key = decodeLoginKey(generateHostKey(), null);
const agent = new SshAgent('/nowhere');
const all: Credentials = { password: 'secret', keys: [key], agent, problem: null, certificates: [] };

/** A server's answer to an attempt: the methods it would accept, and whether it accepted one of several. */
interface Answer {
  readonly left: AuthenticationType[];
  readonly partial?: boolean;
}

function attempts(credentials: Credentials, answers: readonly Answer[]): readonly string[] {
  const login = planLogin({ username: 'monitor', credentials, refuse: () => undefined });
  const made: string[] = [];
  let offer = login.next(null, null);
  for (const { left, partial = false } of answers) {
    if (offer === false) break;
    made.push(offer.type);
    offer = login.next(left, partial);
  }
  made.push(offer === false ? 'nothing' : offer.type);
  return made;
}

describe('planLogin', () => {
  const everything: AuthenticationType[] = ['publickey', 'password', 'keyboard-interactive'];
  const onlyPassword: Answer = { left: ['password'] };
  const cases: readonly {
    readonly name: string;
    readonly credentials: Credentials;
    readonly answers: readonly Answer[];
    readonly expected: readonly string[];
  }[] = [
    { name: 'begins with the key, never with `none`', credentials: all, answers: [], expected: ['publickey'] },
    {
      name: 'tries key, agent, password, and does not send a evaluated password again',
      credentials: all,
      answers: [{ left: everything }, { left: everything }, { left: everything }],
      expected: ['publickey', 'agent', 'password', 'nothing'],
    },
    {
      name: 'sends the password by keyboard-interactive where there is no password method',
      credentials: { ...all, keys: [], agent: null },
      answers: [{ left: ['publickey', 'keyboard-interactive'] }, { left: ['publickey', 'keyboard-interactive'] }],
      expected: ['password', 'keyboard-interactive', 'nothing'],
    },
    {
      name: 'leaves out what the client does not take',
      credentials: all,
      answers: [onlyPassword],
      expected: ['publickey', 'password'],
    },
    {
      name: 'ends when nothing is wanted that there is',
      credentials: { ...all, password: null },
      answers: [onlyPassword],
      expected: ['publickey', 'nothing'],
    },
    {
      name: 'offers a key again that was out of turn',
      credentials: { ...all, agent: null },
      answers: [onlyPassword, { left: ['publickey'], partial: true }],
      expected: ['publickey', 'password', 'publickey'],
    },
    {
      name: 'has nothing to offer without credentials',
      credentials: { ...all, keys: [], agent: null, password: null },
      answers: [],
      expected: ['nothing'],
    },
  ];
  for (const { name, credentials, answers, expected } of cases) {
    it(name, () => assert.deepEqual(attempts(credentials, answers), expected));
  }

  it('answers one password prompt, once', () => {
    const refusals: string[] = [];
    const credentials = { ...all, keys: [], agent: null };
    const login = planLogin({ username: 'monitor', credentials, refuse: (why) => refusals.push(why) });
    login.next(null, null);
    const offer = login.next(['keyboard-interactive'], false);
    assert.ok(offer !== false && offer.type === 'keyboard-interactive');
    const ask = (...prompts: readonly { prompt: string; echo: boolean }[]): readonly string[] | null => {
      let given: readonly string[] | null = null;
      offer.prompt('', '', '', [...prompts], (answers) => (given = answers));
      return given;
    };
    assert.equal(ask({ prompt: 'Password: ', echo: true }), null);
    assert.equal(ask({ prompt: 'Password: ', echo: false }, { prompt: 'Code: ', echo: false }), null);
    assert.deepEqual(ask({ prompt: 'Password: ', echo: false }), ['secret']);
    assert.equal(ask({ prompt: 'Password: ', echo: false }), null);
    assert.equal(refusals.length, 3);
    assert.match(refusals[1] ?? '', /asks "Password:", "Code:", which is not answered/);
    assert.match(refusals[2] ?? '', /the password was refused/);
    assert.ok(!refusals.join(' ').includes('secret'));
  });
});

describe('isPasswordPrompt', () => {
  const yes = ['Password: ', '(monitor@web-1) Password: ', "monitor@newton's password:", 'Passwort:', 'Mot de passe :'];
  const codes = ['Verification code: ', 'OTP', '', 'PIN:'];
  const no = [...codes, 'New password: ', 'Retype new password: ', 'One-time password: '];
  for (const prompt of yes) it(`answers ${prompt}`, () => assert.equal(isPasswordPrompt(prompt), true));
  for (const prompt of no)
    it(`does not answer ${prompt || 'nothing'}`, () => assert.equal(isPasswordPrompt(prompt), false));
});
