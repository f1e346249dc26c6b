/** The private parts of the installed ssh2, which package.json lets npm update within its minor version. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packageDir } from '../../../src/state-folder/paths.ts';
import { newClient, ssh2Version, type ParsedKey } from '../../../src/transport/connection/ssh2.ts';
import { sendAhead } from '../../../src/transport/ssh2/pipelining.ts';
import { wantsAnswer } from '../../../src/transport/ssh2/connect-ssh2.ts';
import { privatePartsFit, privatePartsOf } from '../../../src/transport/ssh2/private-parts.ts';

test('the private parts of the installed ssh2 are those that are known', () => {
  assert.ok(privatePartsFit(), `ssh2 ${ssh2Version}: read its source anew for src/transport/ssh2/private-parts.ts`);
  const { dependencies } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  assert.equal(dependencies['ssh2'], '~1.17.0');
});

test('ssh2 has a handler for each message that is counted', () => {
  const ssh = newClient();
  ssh.on('error', () => undefined);
  ssh.connect({ host: '127.0.0.1', port: 1, username: 'x' });
  const handlers = privatePartsOf(ssh)?.handlers;
  for (const name of Object.keys(wantsAnswer)) assert.equal(typeof handlers?.[name], 'function', name);
  ssh.destroy();
});

test('of a client that does not connect yet there are none, and nothing goes ahead', () => {
  const ssh = newClient();
  assert.equal(privatePartsOf(ssh), null);
  const never = (): void => assert.ok(false, 'it went ahead');
  const nothing = { username: 'x', key: {} as ParsedKey, command: 'true', onRefused: never, onChannel: never };
  assert.equal(sendAhead({ ...nothing, ssh }), false);
});
