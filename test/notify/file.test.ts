import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { FleetError } from '../../src/platform/errors/errors.ts';
import { createFileChannel, outboxName } from '../../src/notify/file.ts';
import { faultOf, outgoing, sendOptions } from './support/smtp-config.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();

test('a mail is one file with its bytes, for its owner alone, and the same mail again is the same file', async () => {
  const outbox = path.join(dir, 'state', 'outbox');
  const channel = createFileChannel(outbox);
  const mail = outgoing({ content: 'Subject: Größe\r\n\r\n.\r\n' });
  await channel.send(mail, sendOptions());
  await channel.send(mail, sendOptions());
  const name = '0123456789abcdef0123456789abcdef.eml';
  assert.deepEqual(readdirSync(outbox), [name]);
  assert.equal(readFileSync(path.join(outbox, name), 'utf8'), mail.content);
  assert.equal(statSync(path.join(outbox, name)).mode & 0o777, 0o600);
  assert.equal(statSync(outbox).mode & 0o777, 0o700);
});

test('no Message-ID leads out of the folder', () => {
  assert.equal(outboxName('<../../etc/passwd@example.org>'), '.._.._etc_passwd.eml');
  assert.equal(outboxName('<0f.refused@example.org>'), '0f.refused.eml');
  assert.equal(outboxName('<a\u0000b@c>'), 'a_b.eml');
});

test('a folder that cannot be written to takes no mail for now', async () => {
  const file = path.join(dir, 'no-folder');
  writeFileSync(file, '');
  const fault = await faultOf(createFileChannel(path.join(file, 'outbox')).send(outgoing(), sendOptions()));
  assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'spool']);
  assert.match(fault.message, /no-folder.*ENOTDIR/);
});

test('a mail that is no longer ours leaves no file', async () => {
  const outbox = path.join(dir, 'foreign');
  const notified = new FleetError({ code: 'locked', stage: 'mail', message: 'no longer ours' });
  const options = sendOptions({ onDataBegun: () => Promise.reject(notified) });
  assert.equal(await faultOf(createFileChannel(outbox).send(outgoing(), options)), notified);
  chmodSync(outbox, 0o700);
  assert.deepEqual(readdirSync(outbox), []);
});
