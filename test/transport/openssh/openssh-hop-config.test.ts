import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { OpensshTarget } from '../../../src/transport/openssh/openssh-arguments.ts';
import { checkCredentials } from '../../../src/transport/openssh/openssh-hop-config.ts';

const name = 'SSH_AUTH_SOCK';
const usual = process.env[name];
const set = (value: string | undefined): void => {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
};
before(() => set(undefined));
after(() => set(usual));

const onlyAgent = { client: 'web-1', agent: 'env', privateKey: null, config: 'none', route: null } as const;

const cases: readonly {
  readonly what: string;
  readonly target?: Partial<OpensshTarget>;
  readonly password?: string;
  readonly socket?: string;
  readonly isRefused: boolean;
}[] = [
  { what: 'an agent that is not set', isRefused: true },
  { what: 'an agent that is not set, and no key', target: { privateKey: 'none' }, isRefused: true },
  { what: 'an agent that is set', socket: '/run/agent', isRefused: false },
  { what: 'an agent of its own', target: { agent: '/run/agent' }, isRefused: false },
  { what: 'a key besides', target: { privateKey: '/etc/key' }, isRefused: false },
  { what: 'a password besides', password: 'word', isRefused: false },
  { what: 'an ssh_config besides, which may name a key', target: { config: 'own' }, isRefused: false },
];

for (const { what, target, password = null, socket, isRefused } of cases) {
  test(`ssh is ${isRefused ? 'not ' : ''}begun with ${what}`, () => {
    set(socket);
    const check = (): void =>
      checkCredentials({ ...onlyAgent, ...target } as OpensshTarget, { password, passphrase: null });
    if (!isRefused) check();
    else {
      const message = 'agent="env", but $SSH_AUTH_SOCK is not set';
      assert.throws(check, { code: 'credentials-unusable', stage: 'login', client: 'web-1', message });
    }
    set(undefined);
  });
}
