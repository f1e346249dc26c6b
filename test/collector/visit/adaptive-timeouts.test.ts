import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import * as timeouts from '../../../src/collector/visit/adaptive-timeouts.ts';
import type { LastFailure, VisitTimeouts } from '../../../src/collector/visit/adaptive-timeouts.ts';
import { errorTable } from '../../../src/platform/errors/errors.ts';
import { collectorConfig as usual } from '../../support/fleets/fleet.ts';

const limits = { tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, agentTimeoutMs: 15_000, clientDeadlineMs: 30_000 };
const collectorConfig = { ...usual, ...limits };

const failed = (failedCode: string | null, consecutiveFailures = 1, name = 'web-1'): LastFailure => {
  return { name, failedCode, consecutiveFailures };
};
const { fullTimeouts, isSuspect, timeoutsFor, timeoutsInDeadSubnet } = timeouts;
const whole = fullTimeouts(collectorConfig);

test('a client that answered, or is not known, gets what is configured', () => {
  assert.deepEqual(whole, { ...limits, channelTimeoutMs: limits.connectTimeoutMs });
  for (const last of [undefined, failed(null, 0), failed('connect-timeout', 0)]) {
    assert.equal(isSuspect(last), false);
    assert.deepEqual(timeoutsFor(last, collectorConfig), whole);
  }
});

const samples: readonly {
  readonly code: string;
  readonly failures: number;
  readonly shorter: Partial<VisitTimeouts>;
}[] = [
  { code: 'connect-timeout', failures: 1, shorter: { tcpTimeoutMs: 3000 } },
  { code: 'connect-timeout', failures: 2, shorter: { tcpTimeoutMs: 2000 } },
  { code: 'connect-timeout', failures: 3, shorter: { tcpTimeoutMs: 1500 } },
  { code: 'dns', failures: 1, shorter: { tcpTimeoutMs: 3000 } },
  { code: 'connect-failed', failures: 2, shorter: { tcpTimeoutMs: 2000 } },
  { code: 'handshake-timeout', failures: 1, shorter: { connectTimeoutMs: 6000 } },
  { code: 'handshake-timeout', failures: 3, shorter: { connectTimeoutMs: 4000 } },
  { code: 'auth-timeout', failures: 2, shorter: { connectTimeoutMs: 4000 } },
  { code: 'channel-timeout', failures: 1, shorter: { channelTimeoutMs: 6000 } },
  { code: 'agent-timeout', failures: 1, shorter: { agentTimeoutMs: 9000 } },
  { code: 'agent-timeout', failures: 5, shorter: { agentTimeoutMs: 4500 } },
  { code: 'visit-deadline', failures: 2, shorter: { agentTimeoutMs: 6000, clientDeadlineMs: 12_000 } },
];

for (const { code, failures, shorter } of samples) {
  test(`${code}, ${failures} in a row: that wait is shortened and no other`, () => {
    const last = failed(code, failures);
    assert.equal(isSuspect(last), true);
    assert.deepEqual(timeoutsFor(last, collectorConfig), { ...whole, ...shorter });
  });
}

test('what fails at once is no suspect and keeps its time', () => {
  const atOnce = ['connect-refused', 'auth-failed', 'host-key-changed', 'agent-failed', 'no-runtime', 'agent-stuck'];
  for (const code of atOnce) {
    assert.equal(isSuspect(failed(code)), false, code);
    assert.deepEqual(timeoutsFor(failed(code, 50), collectorConfig), whole);
  }
});

test('now and then the whole time is given again, not to all that died together at once', () => {
  const names = Array.from({ length: 60 }, (_, number) => `rack-${number}`);
  const isWhole = (name: string, failures: number): boolean =>
    timeoutsFor(failed('connect-timeout', failures, name), collectorConfig).tcpTimeoutMs === whole.tcpTimeoutMs;
  for (const name of names) {
    for (let failures = 1; failures < 6; failures++) assert.equal(isWhole(name, failures), false);
    for (let from = 6; from < 40; from++) {
      const turns = [0, 1, 2, 3, 4, 5].filter((more) => isWhole(name, from + more));
      assert.equal(turns.length, 1, `${name} from ${from}`);
    }
  }
  for (let failures = 6; failures < 12; failures++) {
    const together = names.filter((name) => isWhole(name, failures)).length;
    assert.ok(together > 0 && together < 25, `${together} of 60`);
  }
});

test('a neighbour of the dead gets a short time for TCP alone', () => {
  assert.deepEqual(timeoutsInDeadSubnet(collectorConfig), { ...whole, tcpTimeoutMs: 3000 });
});

test('never more than is configured, never nothing, never more from the first failure to the fifth', () => {
  const ms = fc.integer({ min: 1, max: 600_000 });
  fc.assert(
    fc.property(
      ms,
      ms,
      ms,
      ms,
      fc.constantFrom(...Object.keys(errorTable)),
      (tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs, code) => {
        const config = { ...collectorConfig, tcpTimeoutMs, connectTimeoutMs, agentTimeoutMs, clientDeadlineMs };
        let before = fullTimeouts(config);
        for (let failures = 1; failures <= 5; failures++) {
          const now = timeoutsFor(failed(code, failures), config);
          for (const wait of Object.keys(now) as (keyof VisitTimeouts)[]) {
            assert.ok(now[wait] <= before[wait] && now[wait] >= 1, `${wait} after ${failures}`);
          }
          before = now;
        }
      },
    ),
  );
});

test('a name failed to resolve if it did so at the last visit', () => {
  const failed = { address: 'web.example', failedCode: 'dns' };
  const cases = [
    [failed, true],
    [{ ...failed, failedCode: 'connect-timeout' }, false],
    [{ ...failed, failedCode: null }, false],
    [{ ...failed, address: 'other.example' }, false],
    [undefined, false],
  ] as const;
  for (const [last, expected] of cases) {
    assert.equal(timeouts.hasFailedToResolve({ address: 'web.example' }, last), expected, JSON.stringify(last));
  }
});
