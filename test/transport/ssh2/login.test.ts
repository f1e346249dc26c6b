import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

import { describeRefusal, planLogin } from '../../../src/transport/ssh2/login.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { decodeLoginKey } from '../../../src/transport/credentials/private-key.ts';
import { SshAgent, type Credentials } from '../../../src/transport/credentials/credentials.ts';
import type { AuthenticationType } from '../../../src/transport/connection/ssh2.ts';

const key = decodeLoginKey(generateHostKey(), null);
const other = decodeLoginKey(generateHostKey(), null);
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
      name: 'sends the password by keyboard-interactive after a key that was refused beside all methods',
      credentials: { ...all, agent: null },
      answers: [{ left: everything }, { left: ['publickey', 'keyboard-interactive'] }],
      expected: ['publickey', 'password', 'keyboard-interactive'],
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
      name: 'offers another key after one that was taken as one of two, and not that again',
      credentials: { ...all, agent: null, password: null, keys: [key, other] },
      answers: [{ left: ['publickey'], partial: true }, { left: ['publickey'] }],
      expected: ['publickey', 'publickey', 'nothing'],
    },
    {
      name: 'lets PAM say without a question that a key is enough',
      credentials: { ...all, agent: null, password: null },
      answers: [{ left: ['keyboard-interactive'], partial: true }, { left: ['keyboard-interactive'] }],
      expected: ['publickey', 'keyboard-interactive', 'nothing'],
    },
    {
      name: 'asks PAM for nothing after a key that was refused',
      credentials: { ...all, agent: null, password: null },
      answers: [{ left: ['keyboard-interactive'] }],
      expected: ['publickey', 'nothing'],
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
    const asked = (...words: readonly string[]) => ask(...words.map((prompt) => ({ prompt, echo: false })));
    assert.deepEqual([asked('Code:'), asked('1', '2', '3', '4')], [null, null]);
    assert.match(refusals[3] ?? '', /asks "Code:", which is not answered/);
    assert.match(refusals[4] ?? '', /asks "1", "2", "3", which is not answered/);
  });
});

test('a prompt that is not of a password is not answered, and quoted only in part', () => {
  const refusals: string[] = [];
  const credentials = { ...all, keys: [], agent: null };
  const login = planLogin({ username: 'monitor', credentials, refuse: (why) => refusals.push(why) });
  const offer = login.next(['keyboard-interactive'], false);
  assert.ok(offer !== false && offer.type === 'keyboard-interactive');
  offer.prompt('', '', '', [{ prompt: 'c'.repeat(100), echo: false }], () => assert.fail('answered'));
  assert.deepEqual(refusals, [`keyboard-interactive asks "${'c'.repeat(80)}", which is not answered`]);
});

describe('a login of at most five attempts', () => {
  const keys = (count: number): Credentials['keys'] => Array.from({ length: count }, () => key);
  const plan = (credentials: Partial<Credentials>, withoutFirst = false) => {
    const own = new SshAgent('/nowhere');
    const none = { password: null, keys: [], agent: null, problem: null, certificates: [] };
    const whole = { ...none, ...credentials, ...(credentials.agent ? { agent: own } : {}) };
    const login = planLogin({ username: 'monitor', credentials: whole, refuse: () => undefined, withoutFirst });
    const offers: string[] = [];
    for (let next = login.next(null, null); next !== false; next = login.next(null, null)) offers.push(next.type);
    return { login, offers, limit: own.limit };
  };
  const password = 'secret';
  const three = ['publickey', 'publickey', 'publickey'];

  it('offers five keys, or three beside a password', () => {
    assert.equal(plan({ keys: keys(6) }).offers.length, 5);
    assert.deepEqual(plan({ keys: keys(6) }).login.withheld(), { keys: 1, ofAgent: 0 });
    assert.deepEqual(plan({ keys: keys(5) }).login.withheld(), { keys: 0, ofAgent: 0 });
    assert.deepEqual(plan({ keys: keys(4), password }).offers, [...three, 'password', 'keyboard-interactive']);
    assert.deepEqual(plan({ keys: keys(4), password }).login.withheld(), { keys: 1, ofAgent: 0 });
  });

  it('leaves the agent the attempts that are left', () => {
    const { offers, limit } = plan({ keys: keys(1), agent });
    assert.deepEqual([offers, limit], [['publickey', 'agent'], 4]);
    assert.deepEqual(plan({ keys: keys(2), agent, password }).limit, 1);
    assert.deepEqual(plan({ keys: keys(5), agent }).offers.includes('agent'), false);
    assert.deepEqual(plan({ keys: [{ ...key, usable: null }] }).offers, []);
  });

  it('tells each key that the agent offered and withheld, and the methods that the client takes', () => {
    const held = Object.defineProperties(new SshAgent('/nowhere'), {
      offered: { value: ['A', 'B'] },
      withheld: { value: 2 },
    });
    const credentials = { ...all, keys: [], password: null, agent: held };
    const login = planLogin({ username: 'monitor', credentials, refuse: () => undefined });
    login.next(null, null);
    assert.equal(login.wanted(), null);
    login.next(['publickey', 'hostbased'], false);
    assert.deepEqual(login.tried(), ['agent key A', 'agent key B']);
    assert.deepEqual(login.withheld(), { keys: 0, ofAgent: 2 });
    assert.deepEqual(login.wanted(), ['publickey', 'hostbased']);
  });

  it('does not repeat what was refused on another connection, and says that it was tried', () => {
    const { login, offers } = plan({ keys: keys(1), password }, true);
    assert.deepEqual(offers, ['password', 'keyboard-interactive']);
    assert.deepEqual(login.tried(), [`key ${key.fingerprint}`, 'password', 'keyboard-interactive']);
    assert.equal(login.byKey(), false);
    assert.deepEqual([plan({ keys: keys(2) }).login.byKey(), plan({}).login.byKey()], [true, false]);
  });

  it('is none by a key alone if a password went before the key', () => {
    for (const method of ['password', 'keyboard-interactive'] as const) {
      const credentials = { ...all, agent: null };
      const login = planLogin({ username: 'monitor', credentials, refuse: () => undefined });
      login.next(null, null);
      assert.equal(login.byKey(), true);
      login.next([method], false);
      const again = login.next(['publickey'], true);
      assert.deepEqual([again !== false && again.type, login.byKey()], ['publickey', false], method);
    }
  });

  it('is described with all that was tried, left out and wanted', () => {
    const others = { noteSignatures: () => undefined, lacksRsaSignatures: () => false };
    const told = {
      tried: () => ['key A', 'password'],
      wanted: () => null,
      withheld: () => ({ keys: 0, ofAgent: 0 }),
      unusable: () => [],
      wasRefused: () => true,
      taken: () => [] as readonly string[],
    };
    const login = { ...others, ...told };
    const refusal = {
      ...{ username: 'monitor', login: { ...login, next: (): false => false, byKey: () => false } as const },
      ...{ problem: null, certificates: [], reason: null },
    };
    assert.equal(describeRefusal(refusal), 'monitor was refused; tried key A, password');
    const half = { wanted: () => ['keyboard-interactive'], taken: () => ['key A'] };
    assert.equal(
      describeRefusal({ ...refusal, login: { ...refusal.login, ...half } }),
      'monitor was refused; tried key A, password; the client took key A, and wants keyboard-interactive too',
    );
    const other = { tried: () => [], wanted: () => [], withheld: () => ({ keys: 2, ofAgent: 3 }), unusable: () => [] };
    assert.equal(
      describeRefusal({
        ...{ ...refusal, login: { ...refusal.login, ...other } },
        ...{ problem: 'no agent', certificates: ['/c'], reason: 'too many' },
      }),
      'the client ended the login of monitor: too many; nothing that is configured was asked for; ' +
        'the client takes nothing; private keys not tried: 2; ' +
        'keys of ssh-agent not tried: 3; privateKey="FILE.pub" picks one; no agent; ' +
        'the certificate /c needs transport="openssh"',
    );
  });
});
