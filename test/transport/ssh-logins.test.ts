import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';

import { loadPrivateKey } from '../../src/transport/credentials/private-key.ts';
import { login, refused } from '../support/login.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd } from '../support/sshd.ts';

const skip = sshdMissing() ?? false;
const password = 'pass word "with" $igns é';

describe('passwords', { skip }, () => {
  let sshd: Sshd;
  let username: string;
  before(async () => {
    sshd = await startSshd();
    username = (await sshd.addAccount({ password })).name;
  });
  after(() => sshd.stop());

  it('the right one', () => login({ server: sshd, username, credentials: { password } }));
  it('a wrong one, sent once', async () => {
    const failed = sshd.count(/Failed password/g);
    await refused(
      { server: sshd, username, credentials: { password: 'wrong-1' } },
      'auth-failed',
      /refused; tried password/,
    );
    await sshd.logged(/Connection closed by authenticating user|Disconnected from authenticating user/);
    assert.equal(sshd.count(/Failed password/g), failed + 1);
  });
  it('of nobody', () =>
    refused({ server: sshd, username: 'nobody-here', credentials: { password } }, 'auth-failed', /refused/));
  it('none, and nothing else', () =>
    refused(
      { server: sshd, username, credentials: {} },
      'credentials-unusable',
      /neither password nor privateKey nor agent/,
    ));
});

describe('keyboard-interactive', { skip }, () => {
  let sshd: Sshd;
  let username: string;
  before(async () => {
    sshd = await startSshd({ pam: true, config: ['PasswordAuthentication no'] });
    username = (await sshd.addAccount({ password })).name;
  });
  after(() => sshd.stop());

  it('the right password', async () => {
    await login({ server: sshd, username, credentials: { password } });
    assert.equal(sshd.count(/Accepted keyboard-interactive/g), 1);
  });
  it('a wrong one, sent once', async () => {
    await refused({ server: sshd, username, credentials: { password: 'wrong-1' } }, 'auth-failed', /refused/);
    // sshd's own processes log in no fixed order.
    await sshd.logged(/Failed keyboard-interactive/);
    assert.equal(sshd.count(/Failed keyboard-interactive/g), 1);
  });
});

describe('a server that wants a key and a password', { skip }, () => {
  let sshd: Sshd;
  let username: string;
  let privateKey: string;
  before(async () => {
    sshd = await startSshd({ config: ['AuthenticationMethods password,publickey'] });
    const pair = sshKeygen(path.join(sshd.dir, 'login'), '-t', 'ed25519');
    privateKey = pair.privateKey;
    username = (await sshd.addAccount({ password, publicKey: pair.publicKey })).name;
  });
  after(() => sshd.stop());

  it('gets both, in its order', async () => {
    await login({ server: sshd, username, credentials: { password, key: loadPrivateKey(privateKey, null) } });
  });
  it('refuses one alone', () =>
    refused({ server: sshd, username, credentials: { password } }, 'auth-failed', /the client takes publickey/));
});
