/** The collector's side of the protocol: its requests, the reports it accepts, and its acknowledgements. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { decodeRequest } from '../../../src/report/agent-request.ts';
import { encodeFrame } from '../../../src/report/frames.ts';

import { keep, keyPair, machine, visit } from '../../support/clients/agent-visit.ts';
import { answer, end, hello, meet, opening, print, report, reportId } from '../../support/clients/scripted-client.ts';
import { shellConnection } from '../../support/clients/shell-connection.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { assertWithin } from '../../support/within.ts';

const PATH = process.env['PATH'] ?? '';

test('an answer: hello with its offset, the report with its header, the end', async () => {
  const { result, received } = await meet([answer], { now: () => 1_700_000_000_250 });
  assert.equal(result.fault, null);
  assert.equal(result.hello?.offsetMs, -250);
  assert.equal(received[0]?.header.reportId, reportId);
  assert.equal(received[0].receivedAtMs, 1_700_000_000_250);
  assert.deepEqual(
    { reports: result.reports, acknowledged: result.acknowledged, uploaded: result.uploaded, reader: result.reader },
    { reports: 1, acknowledged: 1, uploaded: false, reader: 'node' },
  );
});

test('the agent is uploaded if a server reports no end of the loader, which says what is missing', async () => {
  const { result } = await meet(['sign 81', answer], { withoutStatus: true });
  assert.equal(result.fault, null);
  assert.equal(result.uploaded, true);
  const silent = await meet(['sign 81', 'sign 81'], { withoutStatus: true });
  assert.match(silent.result.fault?.message ?? '', /before its first word \(no exit status\)/);
});

test('what a login shell prints before and beside is passed over', async () => {
  const greeting = 'echo Welcome; head -c 60000 /dev/zero; echo more >&2; yes noise | head -c 500000 >&2';
  const { result } = await meet([`${greeting}; ${answer}`]);
  assert.equal(result.fault, null);
});

test('an acknowledgement is 16 bytes, written after the caller has the report; stdin then ends', async (t) => {
  const file = path.join(tempFolder(t), 'right');
  let taken = false;
  const read = `; test "$(od -An -tx1 | tr -d ' \\n')" = ${reportId.replaceAll('-', '')} && echo yes > ${file}`;
  const { result } = await meet([answer + read], {
    waitForExit: true,
    onReport: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      taken = true;
      return 'acknowledge';
    },
  });
  assert.equal(taken, true);
  assert.equal(readFileSync(file, 'utf8'), 'yes\n');
  assert.equal(result.acknowledged, 1);
});

for (const [what, options] of [
  ['a dry run', { dryRun: true }],
  ['a caller that keeps it on the client', { onReport: keep }],
] as const) {
  test(`nothing is acknowledged by ${what}`, async (t) => {
    const file = path.join(tempFolder(t), 'acknowledged');
    const { result } = await meet([`${answer}; cat > ${file}`], { ...options, waitForExit: true });
    assert.equal(result.acknowledged, 0);
    assert.equal(result.reports, 1);
    assert.equal(readFileSync(file).length, 0);
  });
}

test('a damaged report does not keep back those behind it, and is not acknowledged', async () => {
  const damaged = print(encodeFrame('R', Buffer.from('FHS1')));
  const { result, received } = await meet([`${opening}; ${print(hello)}; ${damaged}; ${print(report)}; ${print(end)}`]);
  assert.equal(result.fault?.code, 'seal-corrupt');
  assert.equal(received.length, 1);
  assert.deepEqual([result.reports, result.acknowledged], [2, 1]);
});

test('what came before the connection broke still counts', async () => {
  const { result } = await meet([`${opening}; ${print(hello)}; ${print(report)}; exit 1`]);
  assert.equal(result.fault?.code, 'agent-failed');
  assert.deepEqual([result.reports, result.acknowledged], [1, 1]);
});

test('a fault of the caller ends the session and is handed back as it is; nothing is acknowledged', async () => {
  const fault = new FleetError({ code: 'spool-full', stage: 'spool', message: 'no space left' });
  const { result } = await meet([answer], { onReport: () => Promise.reject(fault) });
  assert.equal(result.fault, fault);
  assert.equal(result.acknowledged, 0);
});

test('the visit’s own deadline ends a silent agent at once', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  const before = performance.now();
  const { result } = await meet([`${opening}; ${print(hello)}; exec sleep 30`], { signal: controller.signal });
  assert.equal(result.fault?.code, 'visit-deadline');
  assertWithin(before, 5000);
});

test('time that the caller needs is not taken from the client', async (t) => {
  const now = performance.now.bind(performance);
  let callerMs = 0;
  t.mock.method(performance, 'now', () => now() + callerMs);
  const untilAcknowledged = 'head -c 16 > /dev/null';
  const visited = [print(report), untilAcknowledged, print(report), untilAcknowledged];
  const script = [opening, print(hello), ...visited, print(end)].join('; ');
  const { result } = await meet([script], {
    agentTimeoutMs: 60_000,
    onReport: () => {
      callerMs += 61_000;
      return Promise.resolve('acknowledge');
    },
  });
  assert.equal(result.fault, null);
});

test('a channel that is refused is the fault that the transport says', async () => {
  const refused = new FleetError({ code: 'channel-failed', stage: 'channel', message: 'no more sessions' });
  const connection = { ...shellConnection({ env: {} }), exec: () => Promise.reject(refused) };
  const { result } = await visit({ connection });
  assert.equal(result.fault, refused);
  assert.equal(result.reader, null);
});

test('probe options that do not fit name the client and start nothing', async () => {
  const connection = shellConnection({ env: {} });
  const units = Array.from({ length: 300 }, (_, n) => `unit-${String(n)}-of-many.service`);
  const { result } = await visit({ connection, probeOptions: { units } });
  assert.equal(result.fault?.code, 'config-invalid');
  assert.match(result.fault.message, /^web-1: /);
  assert.deepEqual(connection.commands, []);
});

test('the request says what was asked for', async (t) => {
  const { home } = machine(t);
  const connection = shellConnection({ env: { HOME: home, PATH } });
  await visit({ connection, was: 'old', probeOptions: { mounts: ['/x'] }, agentTimeoutMs: 7000 });
  const requests = connection.commands.map((command) => decodeRequest(/'(eyJ2Ijox[\w-]+)'/.exec(command)?.[1] ?? ''));
  assert.equal(requests.length, 2);
  for (const request of requests) {
    assert.deepEqual(
      { client: request.client, was: request.was, kind: request.kind, deadlineMs: request.deadlineMs },
      { client: 'web-1', was: 'old', kind: 'visit', deadlineMs: 6500 },
    );
    assert.deepEqual(request.options, { mounts: ['/x'] });
    assert.equal(Buffer.from(request.key, 'base64url').compare(keyPair.publicKey), 0);
  }
  assert.notEqual(requests[0]?.marker, requests[1]?.marker);
});
