import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  decidingCode,
  isHeldBack,
  nextAttemptAtMs,
  type LastAttempt,
} from '../../../src/collector/visit/login-backoff.ts';
import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';
import { bastionFailed, ofClient } from '../../../src/transport/bastions/bastion-failed.ts';

const minute = 60_000;

/** True if a client is skipped, with no change of its configuration or credentials since the last attempt. */
function heldBack(facts: LastAttempt | undefined, nowMs: number): boolean {
  const attempt = facts && { ...facts, attemptDigest: 'same' };
  return isHeldBack({ facts: attempt, nowMs, configDigest: 'same', credentialsChangedAtMs: () => null });
}

/**
 * Simulates a day of runs for a client whose logins are always refused. Returns the numbers of the runs that visited
 * it.
 */
function visitedRuns(everyMs: number, runs: number, jitterMs: (run: number) => number = () => 0): number[] {
  let facts: LastAttempt | undefined;
  const visited: number[] = [];
  for (let run = 0; run < runs; run++) {
    const runStart = 1e12 + run * everyMs;
    if (heldBack(facts, runStart)) continue;
    visited.push(run);
    const startedAtMs = runStart + jitterMs(run);
    const next = nextAttemptAtMs({ code: 'auth-failed', facts, startedAtMs, everyMs });
    facts = { lastVisitAtMs: startedAtMs, nextAttemptAtMs: next };
  }
  return visited;
}

test('a refused login waits 1, 2, 4, 8 runs, then an hour', () => {
  assert.deepEqual(visitedRuns(5 * minute, 60), [0, 1, 3, 7, 15, 27, 39, 51]);
});

test('it does so whenever in the run the visits begin', () => {
  const early = (run: number): number => (run % 2 === 0 ? 100 : 2 * minute);
  assert.deepEqual(visitedRuns(5 * minute, 40, early), [0, 1, 3, 7, 15, 27, 39]);
});

test('runs an hour or more apart are never skipped', () => {
  const jitterMs = (): number => 1000;
  for (const hours of [1, 3]) assert.deepEqual(visitedRuns(hours * 60 * minute, 5, jitterMs), [0, 1, 2, 3, 4]);
});

const others = [null, 'connect-timeout', 'host-key-changed', 'agent-failed', 'credentials-unusable'];
for (const code of others) {
  test(`${code ?? 'a success'} holds nobody back`, () => {
    const facts = { lastVisitAtMs: 0, nextAttemptAtMs: 10 * minute };
    assert.equal(nextAttemptAtMs({ code, facts, startedAtMs: 20 * minute, everyMs: 5 * minute }), null);
  });
}

const held: readonly { readonly what: string; readonly facts: LastAttempt | undefined; readonly expected: boolean }[] =
  [
    { what: 'never seen', facts: undefined, expected: false },
    { what: 'nothing stored', facts: { lastVisitAtMs: 5, nextAttemptAtMs: null }, expected: false },
    { what: 'due', facts: { lastVisitAtMs: 5, nextAttemptAtMs: 1000 * minute }, expected: false },
    { what: 'later', facts: { lastVisitAtMs: 5, nextAttemptAtMs: 1001 * minute }, expected: true },
    {
      what: 'further ahead than any pause: a clock was wrong',
      facts: { lastVisitAtMs: 5, nextAttemptAtMs: 1100 * minute },
      expected: false,
    },
  ];
for (const { what, facts, expected } of held) {
  test(`held back or not: ${what}`, () => {
    assert.equal(heldBack(facts, 1000 * minute), expected);
  });
}

const changes: readonly (readonly [string, { digest?: string | null; changedAt?: number | null }, boolean])[] = [
  ['nothing', {}, true],
  ['config.xml', { digest: 'other' }, false],
  ['perhaps config.xml: the run has no row', { digest: null }, true],
  ['a key file, before the last attempt', { changedAt: 989 }, true],
  ['a key file, since', { changedAt: 991 }, false],
  ['a key file, in the future, whose clock was wrong', { changedAt: 1001 }, true],
  ['a key file, which is gone', { changedAt: null }, true],
];
for (const [what, { digest = 'same', changedAt = 0 }, expected] of changes) {
  test(`the pause after a refusal, when what has changed is: ${what}`, () => {
    const facts = { lastVisitAtMs: 990 * minute, nextAttemptAtMs: 1010 * minute, attemptDigest: digest };
    const credentialsChangedAtMs = (): number | null => (changedAt === null ? null : changedAt * minute);
    const question = { facts, nowMs: 1000 * minute, configDigest: 'same', credentialsChangedAtMs };
    assert.equal(isHeldBack(question), expected);
  });
}

test('a bastion that refuses the login is left alone like a client, and one that is away is not', () => {
  const fault = (code: ErrorCode): FleetError => new FleetError({ code, stage: 'login', message: 'no' });
  const behind = (code: ErrorCode): FleetError => ofClient(bastionFailed('fra', fault(code)), 'web-1');
  assert.equal(decidingCode(null), null);
  assert.equal(decidingCode(fault('auth-failed')), 'auth-failed');
  assert.equal(decidingCode(behind('auth-failed')), 'auth-failed');
  assert.equal(decidingCode(behind('connect-refused')), 'connect-refused');
  const twice = ofClient(bastionFailed('ber', behind('auth-failed')), 'web-2');
  assert.equal(decidingCode(twice), 'auth-failed');
  const [startedAtMs, everyMs] = [1e12, 5 * minute];
  const when = { facts: undefined, startedAtMs, everyMs };
  const next = (code: ErrorCode) => nextAttemptAtMs({ ...when, code: decidingCode(behind(code)) });
  assert.equal(next('auth-failed'), startedAtMs + everyMs / 2);
  assert.equal(next('connect-refused'), null);
});
