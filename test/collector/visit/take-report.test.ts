/** The decision on each report of a stream: which is kept and acknowledged, and what is the fault of the visit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ReceivedReport } from '../../../src/collector/agent/agent-stream.ts';
import { reportTaker, type ReportTaking } from '../../../src/collector/visit/take-report.ts';
import type { Client } from '../../../src/config/config.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';

const reportOf = (client: string, keyId = 'own'): ReceivedReport =>
  ({ header: { client, keyId } }) as Partial<ReceivedReport> as ReceivedReport;

function taker(keep: () => Promise<void> = () => Promise.resolve()) {
  const kept: string[] = [];
  const progress: ReportTaking['progress'] = { sealedTo: new Set(), anomaly: null };
  const take = reportTaker({
    client: { name: 'web-1', was: 'old' } as Partial<Client> as Client,
    known: {
      has: (keyId) => keyId === 'own',
      describeMissing: (keyId) => ({ clause: `key ${keyId}`, advice: 'Bring it back.' }),
    },
    progress,
    keep: async ({ header }) => {
      await keep();
      kept.push(header.client);
    },
  });
  return { take, kept, progress };
}

for (const { what, report, isKept, fault } of [
  { what: 'of the client', report: reportOf('web-1'), isKept: true, fault: null },
  { what: 'of the client’s former name', report: reportOf('old'), isKept: true, fault: null },
  {
    what: 'of another client',
    report: reportOf('web-2\u001b[31m'),
    isKept: false,
    fault: ['report-foreign', 'seal', 'web-1 sent a report of web-2 [31m', 'web-1'],
  },
  {
    what: 'that is sealed to another key',
    report: reportOf('web-1', 'lost'),
    isKept: false,
    fault: ['seal-no-key', 'seal', 'web-1 sent a report that is sealed to key lost; it stays on the client', 'web-1'],
  },
]) {
  test(`a report ${what} is ${isKept ? 'kept, and only then acknowledged' : 'left on the client'}`, async () => {
    const { take, kept, progress } = taker();
    assert.equal(await take(report), isKept ? 'acknowledge' : 'keep');
    assert.deepEqual(kept, isKept ? [report.header.client] : []);
    const { anomaly } = progress;
    assert.deepEqual(anomaly && [anomaly.code, anomaly.stage, anomaly.message, anomaly.client], fault);
    assert.deepEqual([...progress.sealedTo], [report.header.keyId]);
  });
}

test('a key that went is named with what to do about it', async () => {
  const { take, progress } = taker();
  await take(reportOf('web-1', 'lost'));
  assert.equal(progress.anomaly?.advice, 'Bring it back.');
});

test('a report that cannot be kept stays on the client; the first fault is that of the visit', async () => {
  const full = new FleetError({ code: 'spool-full', stage: 'spool', message: 'full' });
  const { take, progress } = taker(() => Promise.reject(full));
  assert.equal(await take(reportOf('web-1')), 'keep');
  assert.equal(progress.anomaly, full);
  assert.equal(await take(reportOf('web-2')), 'keep');
  assert.equal(progress.anomaly, full);
  const odd = taker(() => Promise.reject(new Error('odd')));
  await odd.take(reportOf('web-1'));
  const { code, stage, client } = odd.progress.anomaly ?? {};
  assert.deepEqual([code, stage, client], ['internal', 'spool', 'web-1']);
});
