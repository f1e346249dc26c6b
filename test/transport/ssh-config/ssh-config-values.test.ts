/** The values of ssh_config in the words of this program. The comparison with `ssh -G` is in ssh-config.test.ts. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

import { askSshConfig, type SshConfigQuestion } from '../../../src/transport/ssh-config/ssh-config.ts';
import type { SshConfigFile, SshConfigOption } from '../../../src/transport/ssh-config/ssh-config-file.ts';
import { parseSshConfigLine } from '../../../src/transport/ssh-config/ssh-config-line.ts';
import { sshConfigValues, type SshConfigValues } from '../../../src/transport/ssh-config/ssh-config-values.ts';

const environment = { SOCK: '/run/agent', WORD: 'word' };
const self = { user: 'me', uid: '1000', home: '/home/me', hostname: 'here.example.org', environment };

/** Returns the values of a file whose options apply to every host. */
function valuesOf(text: string, question: Partial<SshConfigQuestion> = {}): SshConfigValues {
  const entries = text.split('\n').map((raw, index): SshConfigOption => {
    const line = parseSshConfigLine(raw);
    assert.ok(line !== null && typeof line !== 'string', raw);
    return { kind: 'option', place: `f:${index + 1}`, ...line };
  });
  const file: SshConfigFile = { hostNames: [], blocksFor: () => [{ condition: null, entries }] };
  const asked = { host: 'Web', user: null, address: null, self, ...question };
  return sshConfigValues(askSshConfig([file], asked), asked);
}

describe('the value of an option', () => {
  const table: readonly (readonly [text: string, name: keyof SshConfigValues, value: unknown])[] = [
    ['HostName %h.Org', 'hostName', 'web.org'],
    ['HostName ${WORD}', 'hostName', '${word}'],
    ['Port ssh', 'port', 22],
    ['User %u-${WORD}', 'user', 'me-word'],
    ['HostKeyAlias KEY', 'hostKeyAlias', 'key'],
    ['IdentityAgent SSH_AUTH_SOCK', 'identityAgent', 'env'],
    ['IdentityAgent none', 'identityAgent', 'none'],
    ['IdentityAgent $SOCK', 'identityAgent', '/run/agent'],
    ['IdentityAgent $OTHER', 'identityAgent', 'none'],
    ['IdentityAgent ~/sock-%r', 'identityAgent', '/home/me/sock-me'],
    ['IdentityAgent ${SOCK}/x', 'identityAgent', '/run/agent/x'],
    ['ProxyJump %r@gate # x', 'proxyJump', 'me@gate'],
    ['ProxyJump NONE', 'proxyJump', 'none'],
    ['ProxyJump %Z', 'proxyJump', '%Z'],
    ['ProxyCommand nc %h # x', 'proxyCommand', 'nc %h # x'],
    ['ProxyCommand NONE', 'proxyCommand', null],
    ['UserKnownHostsFile ~/a /b', 'userKnownHosts', ['/home/me/a', '/b']],
    ['UserKnownHostsFile none', 'userKnownHosts', []],
    ['UserKnownHostsFile ~', 'userKnownHosts', ['/home/me']],
    ['GlobalKnownHostsFile /%%/../x', 'globalKnownHosts', ['/x']],
    ['ConnectTimeout 1m', 'connectTimeoutMs', 60_000],
    ['ConnectTimeout 0', 'connectTimeoutMs', null],
    ['ConnectTimeout none', 'connectTimeoutMs', null],
    ['KexAlgorithms +Curve25519-sha256', 'kex', '+Curve25519-sha256'],
    ...(['yes', 'TRUE'] as const).map((word) => [`IdentitiesOnly ${word}`, 'identitiesOnly', true] as const),
    ...(['no', 'False'] as const).map((word) => [`IdentitiesOnly ${word}`, 'identitiesOnly', false] as const),
    ['AddressFamily INET', 'family', 4],
    ['AddressFamily Inet6', 'family', 6],
    ['AddressFamily any', 'family', 0],
    ['StrictHostKeyChecking Accept-New', 'policy', 'accept-new'],
    ['StrictHostKeyChecking YES', 'policy', 'strict'],
  ];
  for (const [text, name, value] of table) {
    it(text, () => {
      const found = valuesOf(text)[name] as { readonly value: unknown; readonly place: string } | null;
      assert.deepEqual(found, value === null ? null : { value, place: 'f:1' });
    });
  }
});

test('the files of all lines count, and none is left out', () => {
  const { identityFiles, certificateFiles } = valuesOf('IdentityFile ~/a\nIdentityFile None\nCertificateFile /c-%d');
  assert.deepEqual(identityFiles, [{ value: '/home/me/a', place: 'f:1' }]);
  assert.deepEqual(certificateFiles, [{ value: '/c-/home/me', place: 'f:3' }]);
});

test('tokens take what config.xml says before what ssh_config says', () => {
  const text = 'HostName REAL\nUser other\nIdentityFile /%h/%n/%r';
  const files = (question: Partial<SshConfigQuestion>) =>
    valuesOf(text, question).identityFiles.map(({ value }) => value);
  assert.deepEqual(files({}), ['/real/Web/other']);
  assert.deepEqual(files({ address: 'Given', user: 'ops' }), ['/given/Web/ops']);
});

describe('a value that is passed over or read otherwise than by ssh is noted', () => {
  const table: readonly (readonly [text: string, notes: readonly string[]])[] = [
    ['User %r', ['f:1: User has a token that is not followed; passed over']],
    ['HostName %n', ['f:1: HostName has a token that is not followed; passed over']],
    ['IdentityFile ${NONE}', ['f:1: IdentityFile has a variable that is not set; passed over']],
    ['IdentityAgent ~you/x', ['f:1: IdentityAgent names the home folder of another account; passed over']],
    ['StrictHostKeyChecking ask', []],
    ...['no', 'Off', 'false'].map(
      (word) =>
        [
          `StrictHostKeyChecking ${word}`,
          [`f:1: StrictHostKeyChecking ${word} would take any key; the check stays strict`],
        ] as const,
    ),
  ];
  for (const [text, notes] of table) it(text, () => assert.deepEqual(valuesOf(text).notes, notes));
});
