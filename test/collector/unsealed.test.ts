/** Unencrypted reports of clients without Node, and of clients that falsely claim to have none. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import type { ErrorCode } from '../../src/errors.ts';
import { encodeFrame, encodeJsonFrame } from '../../src/report/frames.ts';
import { maxReportBytes } from '../../src/report/limits.ts';
import { sampleReport } from '../report/support/sample-report.ts';
import type { VisitOptions } from '../support/agent-visit.ts';
import { end, hello, meet, opening, print, report as sealed, reportId } from '../support/scripted-client.ts';

const clocks = { wall_ms: 1_700_000_000_000, monotonic_ms: 1, boot_id: null };
const shellHello = encodeJsonFrame('H', { v: 1, agent: '9', ...clocks, reader: 'shell' });
const { datetime, agent, boot_id, monotonic_ms, worker_reports } = sampleReport;
const said = { datetime, agent, boot_id, monotonic_ms, worker_reports };
const unsealed = (content: unknown): Buffer => encodeFrame('U', Buffer.from(JSON.stringify(content)));
const answer = (...frames: readonly Uint8Array[]) => [[opening, ...[...frames, end].map(print)].join('; ')];

test('a report in clear is sealed to the newest key, under the name of the visit, before anybody sees it', async () => {
  const runId = randomUUID();
  const { result, received, reports } = await meet(answer(shellHello, unsealed(said)), { runId });
  assert.equal(result.fault, null);
  assert.equal(result.reader, 'shell');
  assert.deepEqual([result.reports, result.acknowledged], [1, 1]);
  assert.equal(received[0]?.header.client, 'web-1');
  const report_id = received[0].header.reportId;
  assert.deepEqual(reports, [{ ...sampleReport, report_id, run_id: runId, client: 'web-1' }]);
});

test('whom it is about, its id and its run are not for the client to say', async () => {
  const others = { version: 1, client: 'db-1', report_id: reportId, run_id: reportId };
  const claims = { ...said, ...others, name: 'Inventory report' };
  const { received, reports } = await meet(answer(shellHello, unsealed(claims)));
  const [report] = reports;
  assert.equal(report?.client, 'web-1');
  assert.equal(report.name, 'Daemon report');
  assert.notEqual(report.report_id, reportId);
  assert.notEqual(report.run_id, reportId);
  assert.equal(received[0]?.header.reportId, report.report_id);
});

const misfit = { ...said, monotonic_ms: '1' };
const deep = `{"a":${'['.repeat(20)}`;
const tooLarge = encodeFrame('U', Buffer.alloc(maxReportBytes + 1)).subarray(0, 5);
const refused: readonly {
  readonly what: string;
  readonly frames: readonly Uint8Array[];
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly options: Partial<VisitOptions>;
}[] = [
  {
    what: 'of an agent that can seal',
    frames: [hello, unsealed(said)],
    code: 'agent-output',
    message: /not sealed/,
    options: {},
  },
  {
    what: 'where none is allowed',
    frames: [shellHello, unsealed(said)],
    code: 'agent-output',
    message: /not sealed/,
    options: { unsealed: 'refuse' },
  },
  {
    what: 'instead of an inventory',
    frames: [shellHello, unsealed(said)],
    code: 'agent-output',
    message: /not sealed/,
    options: { kind: 'inventory' },
  },
  {
    what: 'that is empty',
    frames: [shellHello, encodeFrame('U', Buffer.alloc(0))],
    code: 'report-invalid',
    message: /\$: not an object/,
    options: {},
  },
  {
    what: 'that is a list',
    frames: [shellHello, unsealed([said])],
    code: 'report-invalid',
    message: /not an object/,
    options: {},
  },
  {
    what: 'that is no JSON',
    frames: [shellHello, encodeFrame('U', Buffer.from('{"a":'))],
    code: 'report-invalid',
    message: /not JSON/,
    options: {},
  },
  {
    what: 'that is no UTF-8',
    frames: [shellHello, encodeFrame('U', Buffer.from('{"\xff', 'latin1'))],
    code: 'report-invalid',
    message: /UTF-8/,
    options: {},
  },
  {
    what: 'with a text for a number',
    frames: [shellHello, unsealed(misfit)],
    code: 'report-invalid',
    message: /monotonic/,
    options: {},
  },
  {
    what: 'that is too deep',
    frames: [shellHello, encodeFrame('U', Buffer.from(deep))],
    code: 'report-invalid',
    message: /deeper than 16/,
    options: {},
  },
  {
    what: 'over its limit, before it comes',
    frames: [shellHello, tooLarge],
    code: 'report-too-large',
    message: /1048577/,
    options: {},
  },
];
for (const { what, frames, code, message, options } of refused) {
  test(`a report in clear ${what}: ${code}`, async () => {
    const { result, received } = await meet(answer(...frames), options);
    assert.equal(result.fault?.code, code, result.fault?.message ?? '');
    assert.match(result.fault.message, message);
    assert.deepEqual(received, []);
  });
}

test('a second one is not taken, nor one after a sealed one', async () => {
  for (const first of [unsealed(said), sealed]) {
    const { result, received } = await meet(answer(shellHello, first, unsealed(said)));
    assert.equal(result.fault?.code, 'agent-output');
    assert.equal(received.length, 1);
  }
});
