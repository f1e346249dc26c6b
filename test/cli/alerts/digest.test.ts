import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import PostalMime from 'postal-mime';

import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { alertFolder } from '../support/stored-alerts.ts';

const hourMs = 3_600_000;
const due = new Date(Date.now() - 2 * 60_000).toISOString().slice(11, 16);
const config =
  `<config><alerts zone="UTC"><digest to="ops@example.org" at="${due}" attach="report"/></alerts>` +
  '<client name="web-1" ip="192.0.2.1"/></config>';

test('alert mails a digest with its report, and digest prints the same', async (t) => {
  const folder = await alertFolder(t, { config });
  await folder.store(async ({ reports }) => {
    const run = runStart({ startedAtMs: Date.now() - hourMs });
    await reports.startRun(run);
    await reports.saveVisits([visit({ runId: run.id, startedAtMs: run.startedAtMs })]);
    await reports.endRun(run, runEnd(run, { clients: 1, succeeded: 1, failed: 0 }));
  });
  const printed = await folder.json('digest', 'daily', '--since', '1d');
  assert.equal(printed['subject'], 'Digest: 1 of 1 answered the one visit');
  assert.equal((await folder.run('digest', 'weekly')).status, 2);
  assert.equal((await folder.run('alert')).status, 0);
  const outbox = path.join(folder.dir, 'state', 'outbox');
  const [name = '', ...others] = readdirSync(outbox);
  assert.equal(others.length, 0);
  const mail = await PostalMime.parse(readFileSync(path.join(outbox, name)));
  assert.equal(mail.subject, printed['subject']);
  assert.match(mail.text?.replaceAll('\n', ' ') ?? '', /The report of this span is attached: report-\d{8}\.html\./);
  const [report] = mail.attachments;
  assert.match(report?.filename ?? '', /^report-\d{8}\.html$/);
  assert.match(new TextDecoder().decode(report?.content as ArrayBuffer), /^<!doctype html>[^]*web-1/i);
  assert.match(
    await folder.said('explain', '--fleet'),
    /Digest daily to ops@example\.org of .* is made, the next is due at /,
  );
});
