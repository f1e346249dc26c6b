import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sampleReport, sampleVisit } from '../../../src/alerter/evaluate/sample-row.ts';
import { classOfVisit, isNetworkFault } from '../../../src/alerter/evaluate/visit-conditions.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { clientWith } from '../support/config-of.ts';
import { at, failedVisit, reportRow, visitRow } from '../support/rows.ts';
import { stationFor } from '../support/station.ts';
import { stories } from '../support/story.ts';
import { clock, everyMs, sampledRowsOf, startTransition } from '../support/time-line.ts';

for (const { stage, code, expected } of [
  { stage: 'resolve', code: 'dns', expected: 'network' },
  { stage: 'connect', code: 'connect-refused', expected: 'network' },
  { stage: 'connect', code: 'connect-timeout', expected: 'network' },
  { stage: 'channel', code: 'connect-failed', expected: 'network' },
  { stage: 'handshake', code: 'handshake-failed', expected: 'network' },
  { stage: 'connect', code: 'visit-deadline', expected: 'network' },
  { stage: 'handshake', code: 'host-key-changed', expected: 'host key changed' },
  { stage: 'handshake', code: 'host-key-revoked', expected: 'host key changed' },
  { stage: 'handshake', code: 'host-key-unknown', expected: 'not trusted' },
  { stage: 'login', code: 'auth-failed', expected: 'login refused' },
  { stage: 'login', code: 'auth-timeout', expected: 'login refused' },
  { stage: 'login', code: 'visit-deadline', expected: 'login refused' },
  { stage: 'connect', code: 'credentials-unusable', expected: 'login refused' },
  { stage: 'connect', code: 'secret-missing', expected: 'login refused' },
  { stage: 'channel', code: 'auth-timeout', expected: 'login refused' },
  { stage: 'channel', code: 'auth-failed', expected: 'login refused' },
  { stage: 'channel', code: 'channel-failed', expected: 'agent failed' },
  { stage: 'agent', code: 'no-runtime', expected: 'agent failed' },
  { stage: 'agent', code: 'agent-timeout', expected: 'agent failed' },
  { stage: 'agent', code: 'visit-deadline', expected: 'agent failed' },
  { stage: 'seal', code: 'seal-no-key', expected: 'agent failed' },
  { stage: 'spool', code: 'spool-full', expected: null },
  { stage: 'agent', code: 'spool-full', expected: null },
  { stage: 'agent', code: 'state-unusable', expected: null },
  { stage: 'connect', code: 'descriptors-exhausted', expected: null },
  { stage: 'connect', code: 'run-deadline', expected: null },
  ...['spool', 'storage', 'config', 'lock', 'keys', 'run'].map((stage) => ({ stage, code: null, expected: null })),
  { stage: 'resolve', code: null, expected: 'network' },
  { stage: 'run', code: 'run-deadline', expected: null },
  { stage: 'agent', code: 'interrupted', expected: null },
  { stage: 'agent', code: 'internal', expected: null },
  { stage: 'agent', code: 'a-code-of-a-newer-version', expected: 'agent failed' },
  { stage: null, code: null, expected: 'agent failed' },
] as const) {
  test(`a visit that ended with ${code ?? 'no code'} at ${stage ?? 'no stage'} means: ${expected ?? 'nothing'}`, () => {
    assert.equal(classOfVisit({ stage, code }), expected);
  });
}

for (const { stage, code, expected } of [
  { stage: 'resolve', code: 'dns', expected: true },
  { stage: 'connect', code: 'connect-timeout', expected: true },
  { stage: 'connect', code: 'connect-failed', expected: true },
  { stage: 'handshake', code: 'handshake-timeout', expected: true },
  { stage: 'connect', code: 'visit-deadline', expected: true },
  { stage: 'connect', code: 'bastion-failed', expected: true },
  { stage: 'connect', code: 'connect-refused', expected: false },
  { stage: 'handshake', code: 'handshake-failed', expected: false },
  { stage: 'handshake', code: 'sshd-rejection', expected: false },
  { stage: 'handshake', code: 'no-common-algorithm', expected: false },
  { stage: 'channel', code: 'connect-failed', expected: true },
  { stage: 'channel', code: 'connect-timeout', expected: true },
  { stage: 'channel', code: 'handshake-timeout', expected: true },
  { stage: 'channel', code: 'dns', expected: true },
  { stage: 'login', code: 'bastion-failed', expected: false },
  { stage: 'login', code: 'auth-failed', expected: false },
  { stage: 'agent', code: 'agent-failed', expected: false },
] as const) {
  test(`${code} at ${stage} is ${expected ? 'a' : 'no'} fault of the network`, () => {
    assert.equal(isNetworkFault({ stage, code }), expected);
  });
}

function levels(visit: Parameters<typeof sampleVisit>[0]['visit']): Record<string, string> {
  const { samples } = sampleVisit({ client: clientWith(''), visit });
  return Object.fromEntries(samples.map(({ rule, level }) => [rule.name, level]));
}

test('a visit that succeeded says that all is well', () => {
  const well = { unreachable: 'none', 'host-key-changed': 'none', 'not-trusted': 'none' };
  assert.deepEqual(levels(visitRow()), well);
  assert.deepEqual(levels(visitRow({ full: false })), well);
});

test('what kept a visit from the host key says nothing of the key; what came past it does', () => {
  const unknown = { unreachable: 'critical', 'host-key-changed': 'unknown', 'not-trusted': 'unknown' };
  assert.deepEqual(levels(failedVisit('connect', 'connect-refused')), unknown);
  assert.deepEqual(levels(failedVisit('login', 'credentials-unusable')), unknown);
  assert.deepEqual(levels(failedVisit('login', 'auth-failed')), {
    unreachable: 'critical',
    'host-key-changed': 'none',
    'not-trusted': 'none',
  });
});

for (const [stage, isPast] of Object.entries({
  ...{ resolve: false, connect: false, handshake: false },
  ...{ login: true, channel: true, upload: true, agent: true, report: true, seal: true },
})) {
  test(`a visit that failed at ${stage} ${isPast ? 'came past' : 'says nothing of'} the host key`, () => {
    const { unreachable, ...ofKeys } = levels(failedVisit(stage, 'visit-deadline'));
    assert.equal(unreachable, 'critical');
    const level = isPast ? 'none' : 'unknown';
    assert.deepEqual(ofKeys, { 'host-key-changed': level, 'not-trusted': level });
  });
}

test('a login without its password says nothing of the host key', () => {
  assert.equal(levels(failedVisit('login', 'secret-missing'))['host-key-changed'], 'unknown');
});

test('a host key that is wrong is no matter of the network', () => {
  assert.deepEqual(levels(failedVisit('handshake', 'host-key-changed')), {
    unreachable: 'unknown',
    'host-key-changed': 'critical',
    'not-trusted': 'none',
  });
  assert.deepEqual(levels(failedVisit('handshake', 'host-key-unknown')), {
    unreachable: 'unknown',
    'host-key-changed': 'none',
    'not-trusted': 'warning',
  });
});

test('the message is what people read, with the class in front; the meaning of the code where there is none', () => {
  const client = clientWith('');
  const text = (message: string | null): string | undefined =>
    sampleVisit({ client, visit: failedVisit('login', 'auth-failed', { message }) }).samples[0]?.valueText;
  assert.equal(text('root was refused'), 'login refused: root was refused');
  assert.equal(text(null), 'login refused: The login was refused.');
  const message = '192.0.2.1 shows ED25519 SHA256:new, but known_hosts says ED25519 SHA256:old (line 3)';
  const { samples } = sampleVisit({ client, visit: failedVisit('handshake', 'host-key-changed', { message }) });
  assert.equal(samples.find(({ rule }) => rule.name === 'host-key-changed')?.valueText, message);
});

test('the evidence of a visit is its name: run and client', () => {
  const sampledRow = sampleVisit({ client: clientWith(''), visit: visitRow({ runId: 'run-7' }) });
  assert.deepEqual(
    { evidence: sampledRow.evidence, kind: sampledRow.kind, bootId: sampledRow.bootId },
    { evidence: 'run-7/web-1', kind: 'visit', bootId: null },
  );
});

stories(`
  the second full run in a row that fails makes a client unreachable; two good visits in a row end it
    08:00 visits ok connect-timeout connect-timeout dns ok dns ok ok
    > 08:05 unreachable is pending
    > 08:10 unreachable fires critical
    > 08:35 unreachable is over: recovered

  whoever lets one failed visit make a client unreachable lets one good visit end it
    <alert name="unreachable" for="1x"/>
    08:00 visits dns ok
    > 08:00 unreachable fires critical
    > 08:05 unreachable is over: recovered

  a good visit and its report are one row, however slow the client is
    08:00 visits connect-timeout connect-timeout
    08:10 visit ok
    08:11 of 08:10
    08:15 visit ok
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical
    > 08:15 unreachable is over: recovered

  a good visit in between begins anew
    08:00 visits connect-timeout ok connect-timeout
    > 08:00 unreachable is pending
    > 08:05 unreachable was not confirmed
    > 08:10 unreachable is pending

  filtered runs do not count towards it, but their success ends it
    08:00 visit fails connect-timeout
    08:01 filtered visit fails connect-timeout
    08:02 filtered visit fails connect-timeout
    08:05 visit fails connect-timeout
    08:07 filtered visit ok
    08:08 filtered visit ok
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical
    > 08:08 unreachable is over: recovered

  a report that came is as good as a visit
    08:00 visits agent-timeout agent-timeout
    08:06
    08:11
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical
    > 08:11 unreachable is over: recovered

  a report made before the last failed visit says nothing against it
    08:00 visits agent-timeout agent-timeout
    08:01
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical

  a failed visit that is heard of after a later report is refuted already
    08:01
    08:00 visits connect-timeout connect-timeout
    > 08:05 unreachable is pending

  what the collector is at fault for says nothing of the client
    08:00 visits connect-timeout run-deadline connect-timeout
    > 08:00 unreachable is pending
    > 08:10 unreachable fires critical

  the pauses after a refused login are no gaps
    <alert name="unreachable" for="1h"/>
    08:00 visits auth-failed auth-failed
    08:15 visit fails auth-failed
    08:35 visit fails auth-failed
    09:15 visit fails auth-failed
    > 08:00 unreachable is pending
    > 09:15 unreachable fires critical

  a changed host key is notified at once, and by any run; the next good visit ends it
    08:00 filtered visit fails host-key-changed
    08:05 visits host-key-changed connect-timeout ok
    > 08:00 host-key-changed fires critical
    > 08:10 unreachable is pending
    > 08:15 unreachable was not confirmed
    > 08:15 host-key-changed is over: recovered

  a host that is not trusted is notified at once, and becomes another thing when its key differs from a known one
    08:00 visits host-key-unknown host-key-changed auth-failed
    > 08:00 not-trusted fires warning
    > 08:05 not-trusted is over: recovered
    > 08:05 host-key-changed fires critical
    > 08:10 host-key-changed is over: recovered
    > 08:10 unreachable is pending

  an unreachable client whose key has changed meanwhile stays so until it is visited well
    08:00 visits connect-timeout connect-timeout host-key-changed ok ok
    > 08:00 unreachable is pending
    > 08:05 unreachable fires critical
    > 08:10 host-key-changed fires critical
    > 08:15 host-key-changed is over: recovered
    > 08:20 unreachable is over: recovered
`);

test('the newest failure is what people read of a client that stays unreachable', () => {
  const client = clientWith('');
  const evaluation = startTransition();
  evaluation.evaluate(
    client,
    sampledRowsOf(client, '08:00 visit fails dns\n08:05 visit fails dns\n08:10 visit fails auth-failed'),
  );
  assert.equal(evaluation.notified().open[0]?.valueText, 'login refused: it was auth-failed');
});

stories(`
  conditions can be removed by name
    <alert name="unreachable" enabled="no"/><alert name="not-trusted" enabled="no"/>
    08:00 visits dns dns host-key-unknown
`);

test('a client is reached again when a visit works, not when a report was made that lay in its spool', () => {
  const client = clientWith('');
  const evaluation = startTransition();
  const spooled = reportRow({ observedAtMs: at('08:08'), receivedAtMs: at('08:10') });
  evaluation.evaluate(client, [
    ...sampledRowsOf(client, '08:00 visit fails dns\n08:05 visit fails dns'),
    sampleReport({ client, row: spooled, disks: [], networks: [], report: null }),
    ...sampledRowsOf(client, '08:10 visits ok ok'),
  ]);
  const [unreachable] = evaluation.notified().all;
  assert.equal(unreachable?.resolvedAtMs, at('08:15'));
});

/**
 * Returns visits every five minutes from 08:00 on. `.` succeeds, `t` and `a` fail, `f` fails in a filtered run, `k`
 * fails at the host key.
 */
function visits(ends: string): string {
  const words: Readonly<Record<string, string>> = {
    '.': 'visit ok',
    t: 'visit fails connect-timeout',
    a: 'visit fails auth-timeout',
    f: 'filtered visit fails connect-timeout',
    k: 'visit fails host-key-changed',
    i: 'visit fails interrupted',
  };
  return Array.from(ends)
    .map((end, index) => `${clock(at('08:00') + index * everyMs)} ${words[end] ?? ''}`)
    .join('\n');
}

const unreachableOff = '<alert name="unreachable" enabled="no"/>';
const others = '<alert name="host-key-changed" enabled="no"/>';

stories(`
  a client whose every second visit fails is notified of at the sixth failure
    ${others}
    ${visits('.t.a.a.a.t.a')}
    > 08:05 unreachable is pending
    > 08:10 unreachable was not confirmed
    > 08:15 unreachable is pending
    > 08:20 unreachable was not confirmed
    > 08:25 unreachable is pending
    > 08:30 unreachable was not confirmed
    > 08:35 unreachable is pending
    > 08:40 unreachable was not confirmed
    > 08:45 unreachable is pending
    > 08:50 unreachable was not confirmed
    > 08:55 unreachable is pending
    > 08:55 unreliable fires warning

  it has recovered when at most three of twelve visits failed, in two visits
    ${unreachableOff}
    ${visits('t.t.t.t.t.t......t..')}
    > 08:50 unreliable fires warning
    > 09:35 unreliable is over: recovered

  five failures of twelve are not enough
    ${unreachableOff}
    ${visits('t.t.t.t.t..........')}

  failures in a row are notified of by unreachable, and count no more after it
    ${unreachableOff.replace('enabled="no"', 'for="2x"')}
    ${visits('t.t.t.t.tt.t.t')}
    > 08:00 unreachable is pending
    > 08:05 unreachable was not confirmed
    > 08:10 unreachable is pending
    > 08:15 unreachable was not confirmed
    > 08:20 unreachable is pending
    > 08:25 unreachable was not confirmed
    > 08:30 unreachable is pending
    > 08:35 unreachable was not confirmed
    > 08:40 unreachable is pending
    > 08:45 unreachable fires critical

  what is no fault of the client, filtered runs that failed and host keys do not count
    ${unreachableOff}${others}
    ${visits('t.f.t.i.k.t.f.t.t.i.')}
`);

test('the words name how many visits failed and the most frequent error', () => {
  const client = clientWith(unreachableOff);
  const evaluation = startTransition();
  evaluation.evaluate(client, sampledRowsOf(client, visits('.t.a.a.a.t.a')));
  const [alert] = evaluation.notified().open;
  assert.equal(alert?.valueText, '6 of the last 12 visits failed, most often: auth-timeout');
});

onEachDatabase('a client whose visits fail every second time', (kit) => {
  test('each pass goes on from what is stored, and rows that waited count in their order', async (t) => {
    const elements = `<alerts><mail to="ops@example.org"/></alerts>
      <client name="web-1" ip="192.0.2.1" username="u"/><client name="db-1" ip="192.0.2.2" username="u"/>`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    const mails: string[] = [];
    for (let visit = 0; visit < 14; visit++) {
      station.at(at('08:00') + visit * everyMs);
      await station.collect(visit % 2 === 1 ? { 'web-1': 'fails auth-timeout' } : {});
      // No alerter runs for half an hour.
      if (visit > 2 && visit < 8) continue;
      station.at(station.nowMs() + 60_000);
      mails.push(...(await station.pass()).arrived.map(({ sentence }) => sentence));
    }
    assert.deepEqual(mails, ['ops: firing warning web-1 unreliable']);
    const [open] = await station.storage.evaluation.openAlerts(['web-1']);
    assert.equal(open?.valueText, '6 of the last 12 visits failed, most often: auth-timeout');
  });
});
