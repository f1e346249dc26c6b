/** A command as a channel: its exit status decides, and none of its processes outlives its deadline. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { FleetError } from '../../src/platform/errors/errors.ts';
import type { Channel } from '../../src/notify/notify.ts';
import { createCommandChannel } from '../../src/notify/command.ts';
import { faultOf, outgoing, sendOptions } from './support/smtp-config.ts';
import { until } from '../support/until.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();
let scripts = 0;

function channelTo(command: string, timeoutMs = 5_000): Channel {
  return createCommandChannel({ command, timeoutMs });
}

function script(body: string, { mode = 0o755, first = '#!/bin/sh' } = {}): string {
  const file = path.join(dir, `notify ${(scripts += 1)} $(touch x);sh`);
  writeFileSync(file, `${first}\n${body}\n`);
  chmodSync(file, mode);
  return file;
}

test('the mail on stdin, what it tells in the environment, and nothing secret', async () => {
  const alerts = Array.from({ length: 1_200 }, (_, index) => `${String(index).padStart(32, '0')} resolved critical`);
  const [content, environment] = [path.join(dir, 'content'), path.join(dir, 'environment')];
  process.env['FLEET_TEST_PASSWORD'] = 'correct horse';
  const command = script(`cat > ${content}; env > ${environment}; echo "$#" >> ${environment}`);
  const mail = outgoing({
    recipient: `|${command}`,
    content:
      `Subject: x\r\nX-Fleet-Health-State: resolved\r\nX-Fleet-Health-Severity: ` +
      `none\r\n${alerts.map((one) => `X-Fleet-Health-Alert: ${one}\r\n`).join('')}\r\nX-Fleet-Health-State: ` +
      `firing\r\n${'Überlauf\r\n'.repeat(500_000)}`,
  });
  let begun = 0;
  const onDataBegun = (): Promise<void> => {
    begun += 1;
    return Promise.resolve();
  };
  await channelTo(command).send(mail, sendOptions({ onDataBegun }));
  delete process.env['FLEET_TEST_PASSWORD'];
  assert.equal(begun, 1);
  assert.ok(readFileSync(content, 'utf8') === mail.content);
  const notified = readFileSync(environment, 'utf8');
  assert.ok(`\n${notified}`.includes(`\nFLEET_HEALTH_RECIPIENT=${command}\n`));
  assert.match(notified, /^FLEET_HEALTH_STATE=resolved$/m);
  assert.match(notified, /^FLEET_HEALTH_SEVERITY=none$/m);
  assert.ok(`\n${notified}`.includes(`\nFLEET_HEALTH_ALERTS=${alerts.slice(0, 1_000).join('\n')}\n`));
  assert.ok(notified.includes(`FLEET_HEALTH_MESSAGE_ID=${mail.messageId}\n`));
  assert.match(notified, /^PATH=/m);
  assert.doesNotMatch(notified, /correct horse/);
  assert.match(notified, /^0$/m);
  assert.ok(!existsSync('x'));
});

for (const { body, code, words } of [
  { body: 'exit 75', code: 'mail-unavailable', words: /exit status 75$/ },
  { body: 'echo "no   route" >&2; exit 75', code: 'mail-unavailable', words: /exit status 75: no route$/ },
  { body: 'exit 1', code: 'mail-refused', words: /exit status 1$/ },
  { body: 'exit 64', code: 'mail-refused', words: /exit status 64$/ },
  // If a folder of PATH cannot be read, sh reports that.
  {
    body: 'nothing-of-that-name-here',
    code: 'mail-refused',
    words: /exit status 127: .*(?:not found|Permission denied)/,
  },
  { body: 'kill -9 $$', code: 'mail-unavailable', words: /ended by SIGKILL$/ },
  {
    body: 'head -c 100000 /dev/zero | tr "\\\\0" x >&2; exit 1',
    code: 'mail-refused',
    words: /exit status 1: x{300}$/,
  },
  { body: 'printf "\\033[31mred\\n" >&2; exit 1', code: 'mail-refused', words: /exit status 1: \[31mred$/ },
] as const) {
  test(`${body} is ${code}`, async () => {
    const fault = await faultOf(channelTo(script(body)).send(outgoing(), sendOptions()));
    assert.deepEqual([fault.code, fault.stage], [code, 'mail']);
    assert.match(fault.message, words);
  });
}

for (const { what, command, words } of [
  { what: 'a command that is not there', command: path.join(dir, 'missing'), words: /no such program/ },
  { what: 'a file that may not be run', command: script('exit 0', { mode: 0o644 }), words: /may not be run/ },
  { what: 'a folder', command: dir, words: /may not be run/ },
  {
    what: 'a command with arguments, which are part of its name',
    command: '/bin/sh -c true',
    words: /no such program/,
  },
  {
    what: 'an interpreter that is not there',
    command: script('exit 0', { first: '#!/nowhere/sh' }),
    words: /no such program/,
  },
] as const) {
  test(`${what} says nothing about the mail: all of them wait`, async () => {
    const fault = await faultOf(channelTo(command).send(outgoing(), sendOptions()));
    assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'config']);
    assert.match(fault.message, words);
    assert.ok(fault.message.startsWith(command));
  });
}

test('a command that reads nothing of a large mail is evaluated by its status', async () => {
  const mail = outgoing({ content: 'x'.repeat(5_000_000) });
  await channelTo(script('exit 0')).send(mail, sendOptions());
  const fault = await faultOf(channelTo(script('exec <&-; exit 75')).send(mail, sendOptions()));
  assert.equal(fault.code, 'mail-unavailable');
});

test('the deadline ends the command and what it started', async () => {
  const pids = path.join(dir, 'pids');
  const command = script(`sleep 300 & echo $! > ${pids}; echo $$ >> ${pids}; trap "" TERM; wait`);
  const fault = await faultOf(channelTo(command, 400).send(outgoing(), sendOptions()));
  assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'mail']);
  assert.match(fault.message, /did not end within 0\.4 s/);
  await assertGone(pids);
});

test('an abort ends the command and what it started, with its reason', async () => {
  const pids = path.join(dir, 'aborted-pids');
  const command = script(`sleep 300 & echo $! > ${pids}.new; echo $$ >> ${pids}.new; mv ${pids}.new ${pids}; wait`);
  const abort = new AbortController();
  const sent = channelTo(command).send(outgoing(), sendOptions({ signal: abort.signal }));
  const thrown = faultOf(sent);
  await until(() => existsSync(pids), 'the pids are not written');
  const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended by a test' });
  abort.abort(reason);
  assert.equal(await thrown, reason);
  await assertGone(pids);
});

test('what a command leaves running does not take its success away', async () => {
  const pid = path.join(dir, 'left');
  const command = script(`sleep 300 >/dev/null & echo $! > ${pid}; exit 0`);
  await channelTo(command).send(outgoing(), sendOptions());
  process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL');
});

test('a mail that is no longer ours is not given to it', async () => {
  const file = path.join(dir, 'never');
  const notified = new FleetError({ code: 'locked', stage: 'mail', message: 'no longer ours' });
  const options = sendOptions({ onDataBegun: () => Promise.reject(notified) });
  assert.equal(await faultOf(channelTo(script(`touch ${file}`)).send(outgoing(), options)), notified);
  assert.ok(!existsSync(file));
});

async function assertGone(pidsFile: string): Promise<void> {
  const pids = readFileSync(pidsFile, 'utf8').trim().split('\n').map(Number);
  assert.equal(pids.length, 2);
  await until(() => pids.every((pid) => !isRunning(pid)), 'a process runs');
}

function isRunning(pid: number): boolean {
  try {
    // A zombie that has not been waited for does not run any more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
