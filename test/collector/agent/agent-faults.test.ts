/** The fault of an exec that ended without the agent's last frame: one row for each decision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Exchange } from '../../../src/collector/agent/agent-exchange.ts';
import { exchangeFault, printable } from '../../../src/collector/agent/agent-faults.ts';
import type { ErrorCode, Stage } from '../../../src/platform/errors/errors.ts';
import { loaderStatus } from '../../../src/transport/loader/loader.ts';

const ended: Exchange = {
  sign: { absentStatus: null },
  started: false,
  status: null,
  signal: null,
  killed: false,
  timedOut: false,
  unsentBytes: 0,
  printed: '',
  complained: '',
};

const rows: readonly (readonly [
  what: string,
  more: Partial<Exchange>,
  facts: `${ErrorCode} ${Stage}`,
  message: string,
])[] = [
  [
    'a login shell that waits',
    { timedOut: true, sign: null, printed: 'Choose: ' },
    'agent-timeout agent',
    '/bin/sh did not start within 20 s: "Choose:"',
  ],
  [
    'an upload that waits',
    { timedOut: true, unsentBytes: 1, killed: true },
    'upload-failed upload',
    'the agent did not get there within 20 s',
  ],
  ['an agent without a word', { timedOut: true }, 'agent-timeout agent', 'the agent sent nothing within 20 s'],
  [
    'an agent without an end',
    { timedOut: true, started: true, complained: 'why' },
    'agent-timeout agent',
    'the agent did not end within 20 s: "why"',
  ],
  [
    'no shell',
    { sign: null, status: 127, printed: 'fh-x-loader-1', complained: 'not found' },
    'no-shell agent',
    'the login shell did not run /bin/sh (status 127): "not found"',
  ],
  ['no shell and no status', { sign: null }, 'no-shell agent', 'the login shell did not run /bin/sh'],
  [
    'no node',
    { status: loaderStatus.noRuntime, complained: '/bin/node is too old' },
    'no-runtime agent',
    'no Node.js 18.15 or newer was found: "/bin/node is too old"',
  ],
  [
    'a damaged upload',
    { status: loaderStatus.uploadDamaged },
    'upload-failed upload',
    'the agent did not arrive as it was sent',
  ],
  [
    'the status of no node from an agent that began',
    { status: loaderStatus.noRuntime, started: true },
    'agent-failed agent',
    `the agent ended in the middle of its answer (status ${loaderStatus.noRuntime})`,
  ],
  [
    'the status of a damaged upload from an agent that began',
    { status: loaderStatus.uploadDamaged, started: true },
    'agent-failed agent',
    `the agent ended in the middle of its answer (status ${loaderStatus.uploadDamaged})`,
  ],
  [
    'killed',
    { killed: true, status: 137, complained: 'Killed', printed: 'words' },
    'agent-timeout agent',
    'the agent was killed, at its deadline or for want of memory: "Killed"',
  ],
  [
    'a signal',
    { signal: 'SEGV', printed: 'fh-x-loader-1\nwords' },
    'agent-failed agent',
    'the agent ended before its first word (signal SEGV): "words"',
  ],
  ['neither status nor signal', {}, 'agent-failed agent', 'the agent ended before its first word (no exit status)'],
];
for (const [what, more, facts, message] of rows) {
  test(`agent: ${what}`, () => {
    const fault = exchangeFault({ ...ended, ...more }, { client: 'web-1', agentTimeoutMs: 20_000 });
    assert.deepEqual([`${fault.code} ${fault.stage}`, fault.client], [facts, 'web-1']);
    assert.equal(fault.message, `web-1: ${message}`);
  });
}

test('a client’s text is a line of 300 characters', () => {
  assert.equal(printable(' a\u001b[31m\u202e\n b\u2028c '), 'a [31m b c');
  assert.equal(printable('a\u2029b\ufffdc'), 'a b c');
  assert.equal(printable('x'.repeat(300)), 'x'.repeat(300));
  assert.equal(printable('x'.repeat(301)), `${'x'.repeat(300)}…`);
});

const expiries: readonly (readonly [said: string, advises: RegExp])[] = [
  ['WARNING: Your password has expired.\nPassword change required but no TTY available.', /^Give .* chage -M -1 NAME/],
  ['You are required to change your password immediately (password aged)', /^Give .* chage -M -1 NAME/],
  ['Password expired. Change your password now.', /^Give .* chage -M -1 NAME/],
  ['Warning: your password will expire in 6 days.', /^Check the login shell/],
  ['This account is currently not available.', /^Check the login shell/],
];
for (const [complained, advises] of [
  ['fh: 1: id: not found', /^Put \/usr\/bin and \/bin into the PATH/],
  ['/bin/sh: line 1: id: command not found', /^Put \/usr\/bin and \/bin into the PATH/],
  ['sh: id: not found', /^Put \/usr\/bin and \/bin into the PATH/],
  ['pid: not found', /^Install it/],
  ['', /^Install it/],
] as const) {
  test(`what to do where no node is found, with the words "${complained}"`, () => {
    const of = { client: 'web-1', agentTimeoutMs: 20_000 };
    assert.match(exchangeFault({ ...ended, status: loaderStatus.noRuntime, complained }, of).advice, advises);
  });
}
for (const [complained, advises] of expiries) {
  test(`what to do where a login ends with ${complained.slice(0, 40)}`, () => {
    const of = { client: 'web-1', agentTimeoutMs: 20_000 };
    const { advice } = exchangeFault({ ...ended, sign: null, status: 1, complained }, of);
    assert.match(advice, advises);
  });
}
