import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import PostalMime, { type Email } from 'postal-mime';

import { digestsWithin } from '../../../src/cli/alerts/digest.ts';
import type { Config } from '../../../src/config/config.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { alertFolder, type AlertFolder } from '../support/stored-alerts.ts';

const hourMs = 3_600_000;
const due = new Date(Date.now() - 2 * 60_000).toISOString().slice(11, 16);
const configOf = (clients: string): string =>
  `<config><alerts zone="UTC"><digest to="ops@example.org" at="${due}" attach="report"/></alerts>${clients}</config>`;

/** Makes a folder whose web-1 was visited an hour ago. */
async function visitedFolder(t: TestContext, clients: string): Promise<AlertFolder> {
  const folder = await alertFolder(t, { config: configOf(clients) });
  await folder.store(async ({ reports }) => {
    const run = runStart({ startedAtMs: Date.now() - hourMs });
    await reports.startRun(run);
    await reports.saveVisits([visit({ runId: run.id, startedAtMs: run.startedAtMs })]);
    await reports.endRun(run, runEnd(run, { clients: 1, succeeded: 1, failed: 0 }));
  });
  return folder;
}

/** Returns the only mail of the outbox, parsed. */
async function onlyMail({ dir }: AlertFolder): Promise<Email> {
  const outbox = path.join(dir, 'state', 'outbox');
  const [name = '', ...others] = readdirSync(outbox);
  assert.equal(others.length, 0);
  return await PostalMime.parse(readFileSync(path.join(outbox, name)));
}

test('alert mails a digest with its report, and digest prints the same', async (t) => {
  const folder = await visitedFolder(t, '<client name="web-1" ip="192.0.2.1"/>');
  const printed = await folder.json('digest', 'daily', '--since', '1d');
  assert.equal(printed['subject'], 'Digest: 1 of 1 answered the one visit');
  assert.equal((await folder.run('digest', 'weekly')).status, 2);
  assert.equal((await folder.run('alert')).status, 0);
  const mail = await onlyMail(folder);
  assert.equal(mail.subject, printed['subject']);
  assert.match(mail.text?.replaceAll('\n', ' ') ?? '', /The report of this span is attached: report-\d{8}\.html\./);
  const [report] = mail.attachments;
  assert.match(report?.filename ?? '', /^report-\d{8}\.html$/);
  assert.match(new TextDecoder().decode(report?.content as ArrayBuffer), /^<!doctype html>[^]*web-1/i);
  assert.match(
    await folder.said('explain', '--fleet'),
    /Digest daily to ops@example\.org of .* is made, the next is due at /,
  );
  // There is no data from before the first visit, an hour ago.
  assert.match(
    await folder.said('alert', '--replay', '--since', '47h'),
    /^Digest daily to ops@example\.org would have been made 1 time, last at \d{4}-\d\d-\d\d \d\d:\d\d\.$/m,
  );
});

test('a replay knows the digests of its span, and when they were due', () => {
  const daily = { name: 'daily', to: ['ops@example.org'], days: [], atMinute: 420, groups: [], attachesReport: false };
  const config = { alerts: { zone: 'Europe/Berlin' }, digests: [daily, { ...daily, name: 'mon', days: ['mon'] }] };
  const at = (text: string): number => Date.parse(`2026-${text}:00Z`);
  const within = (sinceMs: number, untilMs: number): readonly (readonly [string, readonly number[]])[] =>
    digestsWithin(config as unknown as Config, { sinceMs, untilMs }).map(({ digest, dueMs }) => [digest.name, dueMs]);
  const [saturday, sunday, monday] = [at('10-24T05:00'), at('10-25T06:00'), at('10-26T06:00')];
  assert.deepEqual(within(saturday, monday), [
    ['daily', [saturday, sunday, monday]],
    ['mon', [monday]],
  ]);
  assert.deepEqual(within(saturday + 1, monday - 1), [['daily', [sunday]]]);
  assert.deepEqual(within(sunday + 1, monday - 1), []);
  assert.equal(within(at('01-01T00:00'), at('10-26T07:00'))[1]?.[1].length, 43);
});

test('a report of more than 4 MiB is left out, and the digest says so', { skip: skipUnlessWide }, async (t) => {
  const others = `${'w'.repeat(50)}-[1-9000]`;
  const folder = await visitedFolder(
    t,
    `<client name="web-1" ip="192.0.2.1"/><client name="${others}" ip="${others}"/>`,
  );
  assert.equal((await folder.run('alert')).status, 0);
  const mail = await onlyMail(folder);
  assert.match(mail.text?.replaceAll('\n', ' ') ?? '', /The report is left out: it would be larger than 4 MiB\. /);
  assert.deepEqual(mail.attachments, []);
});
