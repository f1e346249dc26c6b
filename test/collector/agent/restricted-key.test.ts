/** The fault of an exec that a restricted key's launcher ended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Exchange } from '../../../src/collector/agent/agent-exchange.ts';
import { exchangeFault } from '../../../src/collector/agent/agent-faults.ts';
import { launcherStatus } from '../../../src/transport/loader/launcher.ts';

const ended: Exchange = {
  sign: null,
  started: false,
  status: launcherStatus.refused,
  signal: null,
  killed: false,
  timedOut: false,
  unsentBytes: 0,
  printed: '',
  complained: `locale: cannot set\nfleet-health restricted key ${'0a'.repeat(32)}: why\n`,
};
const sign = { absentStatus: null };
const { agentAbsent, noRuntime, otherVersion } = launcherStatus;

interface Case {
  readonly what: string;
  readonly more: Partial<Exchange>;
  readonly code: string;
  readonly says: RegExp;
}

for (const { what, more, code, says } of [
  {
    what: 'refused',
    more: {},
    code: 'restricted-key',
    says: /^web-1: the restricted key runs nothing but agent 0a0a0a0a0a0a$/,
  },
  {
    what: 'no agent',
    more: { status: agentAbsent },
    code: 'restricted-key',
    says: /agent 0a0a0a0a0a0a, .* is not on the client or was changed/,
  },
  {
    what: 'no node',
    more: { status: noRuntime },
    code: 'no-runtime',
    says: /found no Node\.js: "locale: cannot set"$/,
  },
  {
    what: 'another protocol',
    more: { status: otherVersion, sign },
    code: 'restricted-key',
    says: /speaks another version of the protocol/,
  },
  { what: 'another end', more: { status: 1, sign }, code: 'agent-failed', says: /status 1/ },
  {
    what: 'an end after the agent had begun',
    more: { sign, started: true },
    code: 'agent-failed',
    says: /in the middle of its answer/,
  },
  {
    what: 'somebody else’s status',
    more: { complained: 'sh: not found' },
    code: 'no-shell',
    says: /status 84.*sh: not found/,
  },
] satisfies readonly Case[]) {
  test(`restricted key: ${what}`, () => {
    const fault = exchangeFault({ ...ended, ...more }, { client: 'web-1', agentTimeoutMs: 20_000 });
    assert.equal(fault.code, code, fault.message);
    assert.match(fault.message, says);
    if (code === 'restricted-key') assert.match(fault.advice, /fleet-health authorize web-1 --script/);
  });
}

const authorize = 'fleet-health authorize web-1';
for (const [what, more, message, advice] of [
  [
    'refused',
    {},
    'the restricted key runs nothing but agent 0a0a0a0a0a0a',
    `For another agent run \`${authorize} --script\`; for anything else use another key.`,
  ],
  [
    'no agent',
    { status: agentAbsent },
    'agent 0a0a0a0a0a0a, which the restricted key is made for, is not on the client or was changed',
    `Install what \`${authorize} --script\` prints.`,
  ],
  [
    'no node',
    { status: noRuntime, complained: `fleet-health restricted key ${'0a'.repeat(32)}: why\n` },
    'the restricted key found no Node.js',
    `Install it, or name it with node="PATH" and run ${authorize}; \`${authorize} --agent shell\` needs none.`,
  ],
  [
    'no awk for the shell agent',
    { status: noRuntime, complained: `fleet-health restricted key ${'0a'.repeat(32)}: no awk was found\n` },
    'the restricted key found no awk for the shell agent',
    'Install awk.',
  ],
  [
    'another protocol',
    { status: otherVersion, sign },
    'agent 0a0a0a0a0a0a of the restricted key speaks another version of the protocol',
    `Install what \`${authorize} --script\` prints.`,
  ],
] as const) {
  test(`a restricted key says what to do: ${what}`, () => {
    const fault = exchangeFault({ ...ended, ...more }, { client: 'web-1', agentTimeoutMs: 20_000 });
    assert.deepEqual([fault.message, fault.advice], [`web-1: ${message}`, advice]);
    const code = 'status' in more && more.status === noRuntime ? 'no-runtime' : 'restricted-key';
    assert.deepEqual([fault.code, fault.stage, fault.client], [code, 'agent', 'web-1']);
  });
}
