/** The reports of `edge`: which reports each send includes, and which wait. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { edgeReports } from '../../src/agent-program/edge/edge-reports.ts';
import type { PushTransport } from '../../src/agent-program/push/push-transports.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import { minuteMs } from '../../src/platform/units.ts';
import { FrameParser } from '../../src/report/frames.ts';
import { noRunId, type Report } from '../../src/report/report.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { pushLimits, pushMarker } from '../../src/report/seal/push.ts';
import { maxSealedBytes, readHeader } from '../../src/report/seal/sealed-message.ts';
import { tempFolder } from '../support/temp-folder.ts';

const beganMs = Date.UTC(2026, 10, 22);

/** Returns a machine that takes a report each minute. Its collector records the ids of each push. */
function machine(t: TestContext, heartbeatMs: number | null) {
  const dir = tempFolder(t);
  const file = path.join(dir, 'agent.json');
  const content = {
    client: 'web-1',
    collector: randomUUID(),
    publicKey: Buffer.from(generateKeyPair().publicKey).toString('base64url'),
    pushKey: Buffer.alloc(32, 7).toString('base64url'),
    push: { to: 'https://collector.invalid/' },
    state_directory: path.join(dir, 'state'),
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const settings = readSettings(file);
  const { enrolment } = settings;
  assert.ok(enrolment !== null);
  const pushes: (readonly string[])[] = [];
  const lefts: number[] = [];
  let isAway = false;
  let isSending = true;
  let held: Promise<void> = Promise.resolve();
  let nowMs = beganMs;
  const transport: PushTransport = (body) => {
    if (isAway) return Promise.reject(new Error('connect ECONNREFUSED'));
    const parser = new FrameParser({
      ...{ marker: pushMarker, maxGreetingBytes: 0, maxReportBytes: maxSealedBytes },
      ...pushLimits,
    });
    const frames = parser.push(body);
    const ids = frames.filter(({ type }) => type === 'R').map(({ payload }) => readHeader(payload).reportId);
    pushes.push(ids);
    lefts.push((JSON.parse(String(frames.at(-1)?.payload)) as { readonly left: number }).left);
    const acknowledged = Buffer.from(ids.map((id) => id.replaceAll('-', '')).join(''), 'hex');
    return held.then(() => Buffer.concat([pushMarker, acknowledged]));
  };
  const open = (sends = true) =>
    edgeReports({
      settings,
      enrolment,
      place: dir,
      transport: sends ? transport : null,
      heartbeatMs,
      nowMs: () => nowMs,
    });
  let reports = open();
  let minute = 0;
  const { signal } = new AbortController();
  /**
   * Takes the next report, a minute after the previous one. `since`: the minute in which a change began. Returns the
   * id.
   */
  const report = async (since: number | null = null): Promise<string> => {
    nowMs = beganMs + minute * minuteMs;
    const made: Report = {
      ...{ name: 'Daemon report', version: 1, report_id: randomUUID(), run_id: noRunId, client: 'web-1' },
      ...{ datetime: new Date(nowMs).toISOString(), boot_id: null, monotonic_ms: 1, worker_reports: [] },
      agent: { version: '1', cpu_ms: 1, wall_ms: 1, rss_bytes: 1 },
    };
    minute += 1;
    const sinceMs = since === null ? null : beganMs + since * minuteMs;
    reports.keep({ report: made, sinceMs });
    if (isSending) await reports.send(signal);
    return made.report_id;
  };
  return {
    report,
    pushes,
    lefts,
    queue: () => reports.queue(),
    send: () => reports.send(signal),
    setSending: (sends: boolean) => (isSending = sends),
    hold: (until: Promise<void>): void => void (held = until),
    restart: (sends = true) => (reports = open(sends)),
    setAway: (away: boolean) => (isAway = away),
    skip: (minutes: number) => (minute += minutes),
  };
}

test('a change sends the reports that it follows from, and the others wait', async (t) => {
  const { report, pushes, lefts, queue } = machine(t, null);
  for (let count = 0; count < 5; count++) await report();
  assert.deepEqual([pushes, queue()], [[], 5]);
  // For a rule with `for="2x"` the collector needs both reports.
  const fourth = await report();
  const fifth = await report(5);
  assert.deepEqual({ pushes, lefts, queue: queue() }, { pushes: [[fourth, fifth]], lefts: [5], queue: 5 });
  await report();
  assert.equal(pushes.length, 1);
});

test('a heartbeat sends the newest report alone, also after a restart', async (t) => {
  const { report, pushes, restart, skip } = machine(t, 60 * minuteMs);
  const first = await report();
  for (let count = 0; count < 3; count++) await report();
  restart();
  await report();
  assert.deepEqual(pushes, [[first]]);
  skip(55);
  assert.deepEqual(pushes, [[first]]);
  const next = await report();
  assert.deepEqual(pushes, [[first], [next]]);
});

test('a change that could not be sent is sent after the pause, in order, also by another process', async (t) => {
  const { report, pushes, restart, setAway, skip, queue } = machine(t, null);
  await report();
  setAway(true);
  const changed = await report(1);
  assert.equal(queue(), 2);
  setAway(false);
  restart();
  skip(60);
  const later = await report();
  assert.deepEqual([pushes, queue()], [[[changed, later]], 1]);
});

test('without --send reports are kept for a visit, and the change is not forgotten', async (t) => {
  const { report, pushes, restart, queue } = machine(t, 60 * minuteMs);
  restart(false);
  const ids = [await report(), await report(1)];
  assert.deepEqual([pushes, queue()], [[], 2]);
  restart();
  ids.push(await report());
  assert.deepEqual([pushes, queue()], [[ids], 0]);
});

test('reports and changes that come while others are sent go with the next send', async (t) => {
  const { report, pushes, send, setSending, hold, queue } = machine(t, 60 * minuteMs);
  setSending(false);
  const first = await report();
  let release: () => void = () => undefined;
  hold(new Promise((resolve) => (release = resolve)));
  const sending = send();
  // The heartbeat is already being sent.
  await report();
  const third = await report(2);
  assert.deepEqual([pushes, queue()], [[[first]], 3]);
  release();
  await sending;
  await send();
  assert.deepEqual([pushes, queue()], [[[first], [third]], 1]);
  assert.equal(await send(), null);
});
