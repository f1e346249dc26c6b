/** The fault of an exec that a restricted key's launcher ended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Exchange } from '../../../src/collector/agent/agent-exchange.ts';
import { exchangeFault } from '../../../src/collector/agent/agent-faults.ts';
import { launcherStatus } from '../../../src/loader/launcher.ts';

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

for (const [what, more, code, says] of [
  ['refused', {}, 'restricted-key', /^web-1: the restricted key runs nothing but agent 0a0a0a0a0a0a$/],
  ['no agent', { status: agentAbsent }, 'restricted-key', /agent 0a0a0a0a0a0a, .* is not on the client or was changed/],
  ['no node', { status: noRuntime }, 'no-runtime', /found no Node\.js: "locale: cannot set"$/],
  ['another protocol', { status: otherVersion, sign }, 'restricted-key', /speaks another version of the protocol/],
  ['another end', { status: 1, sign }, 'agent-failed', /status 1/],
  ['an end after the agent had begun', { sign, started: true }, 'agent-failed', /in the middle of its answer/],
  ['somebody else’s status', { complained: 'sh: not found' }, 'no-shell', /status 84.*sh: not found/],
] as readonly (readonly [string, Partial<Exchange>, string, RegExp])[]) {
  test(`restricted key: ${what}`, () => {
    const fault = exchangeFault({ ...ended, ...more }, { client: 'web-1', agentTimeoutMs: 20_000 });
    assert.equal(fault.code, code, fault.message);
    assert.match(fault.message, says);
    if (code === 'restricted-key') assert.match(fault.advice, /fleet-health authorize web-1 --script/);
  });
}
