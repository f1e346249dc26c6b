import assert from 'node:assert/strict';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { mail } from '../../storage/support/alert-samples.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { startImapServer } from '../../support/servers/imap-server.ts';
import { startLoopbackFleet } from '../../support/fleets/loopback-fleet.ts';
import { runCli } from '../../support/programs/run-cli.ts';
import { startSmtpServer } from '../../support/servers/smtp-server.ts';
import { alertFolder, firing } from '../support/stored-alerts.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';

const rare = { skip: skipUnlessWide };

const config = `<config><alerts><mail to="ops@example.org"/></alerts><client name="web-1" ip="192.0.2.1"/></config>`;

const smtp = '<smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>';
const away = config.replace('<alerts>', `${smtp}<alerts>`);

test('a pass is lines for a log, with the mail in outbox; the next one has nothing to say', async (t) => {
  const { said, dir } = await alertFolder(t, { config, alerts: [firing()] });
  const first = await said('alert');
  const composed =
    /^time=\S+ event=composed recipient=ops@example\.org severity=critical items=1 subject=".*web-1.*"$/m;
  assert.match(first, composed);
  assert.doesNotMatch(first, /event=sent/);
  assert.match(first, /^time=\S+ event=written recipient=ops@example\.org message_id="<.*>" where=.*outbox$/m);
  const counts = 'reports=0 visits=0 composed=1 sent=0 written=1 put_off=0 refused=0';
  assert.match(first, new RegExp(`event=summary run=\\S+ outcome=finished ${counts} duration_ms=\\d+\n$`));
  const outbox = path.join(dir, 'state', 'outbox');
  const [file = ''] = readdirSync(outbox);
  assert.match(readFileSync(path.join(outbox, file), 'utf8'), /^To: ops@example\.org\r$/m);
  assert.match(await said('alert'), /^time=\S+ event=summary .* composed=0 sent=0 .*\n$/);
  assert.equal(readdirSync(outbox).length, 1);
});

test('a fault that was said within the hour is one short line by hand, and none for cron', async (t) => {
  const { run, dir } = await alertFolder(t, { config: away });
  const database = path.join(dir, 'state', 'fleet.db');
  writeFileSync(database, 'no database at all, '.repeat(100));
  const first = await run('alert');
  assert.match(first.stderr, /^fleet-health: .* is not a database \(storage-failed\)\. /);
  const second = await run('alert');
  assert.deepEqual([second.status, second.stderr], [3, '']);
  assert.match(second.stdout, /^time=\S+ event=note message="still: .* is not a database \(storage-failed\)"\n$/);
  assert.deepEqual(await run('-q', 'alert'), { status: 3, stdout: '', stderr: '' });
});

test('quiet says nothing at all', async (t) => {
  const { run } = await alertFolder(t, { config: away });
  assert.deepEqual(await run('-q', 'alert'), { status: 0, stdout: '', stderr: '' });
});

test('without <smtp> nothing says that somebody was sent a mail, and alert -q says so once a day', async (t) => {
  const { run, said, json, dir } = await alertFolder(t, { config, alerts: [firing()] });
  const line = /^fleet-health: there is no <smtp>: the mail to ops@example\.org was written to .*outbox, and nobody/;
  assert.match((await run('-q', 'alert')).stderr, line);
  assert.equal((await run('-q', 'alert')).stderr, '');
  const [alert] = (await json('alerts'))['alerts'] as { notified: { delivery: string }[] }[];
  assert.deepEqual(
    alert?.notified.map(({ delivery }) => delivery),
    ['written'],
  );
  assert.match(await said('alerts'), / nobody\n {4}written to a file for ops@example\.org .*, not sent: no <smtp>$/m);
  assert.match(await said('explain', 'web-1'), /^ {4}Nobody was notified\.\n {4}Written to a file for ops@/m);
  const { mails } = (await json('show', 'web-1')) as { mails: { delivery: string }[] };
  assert.deepEqual(
    mails.map(({ delivery }) => delivery),
    ['written'],
  );
  const yesterday = Date.now() / 1000 - 86_400;
  utimesSync(path.join(dir, 'state', 'written-logged'), yesterday, yesterday);
  writeFileSync(path.join(dir, 'config.xml'), config.replace('<mail ', '<mail to="new@example.org"/><mail '));
  assert.match((await run('-q', 'alert')).stderr, /the mail to new@example\.org was written to/);
});

test('a dry run prints the mail and changes nothing', async (t) => {
  const { said, json, alerts, dir } = await alertFolder(t, { config, alerts: [firing()] });
  const stdout = await said('alert', '--dry-run');
  assert.match(stdout, /^To ops@example\.org: .*web-1: disk \/var 96\.2 %$/m);
  assert.match(stdout, /^web-1: disk \/var$/m);
  const where =
    /1 mail would be made in .*\. Nothing was changed\. There is no <smtp>: mails only reach .*outbox, and nobody is sent them\./;
  assert.match(stdout, where);
  assert.ok(!readdirSync(path.join(dir, 'state')).includes('outbox'));
  assert.deepEqual((await alerts())[0]?.notified, []);
  const document = await json('alert', '--dry-run');
  const [first] = document['mails'] as Record<string, unknown>[];
  const pass =
    'command dry_run run_id outcome exit_status holder started_at finished_at reports visits composed sent written';
  const fields = `${pass} put_off refused more held_back mails deliveries replies faults`.split(' ');
  assert.deepEqual(Object.keys(document).sort(), fields.sort());
  assert.deepEqual([document['dry_run'], document['composed'], document['sent']], [true, 1, 0]);
  const what = { alert: 1, client: 'web-1', rule: 'disk', subject: '/var' };
  assert.deepEqual(first?.['items'], [{ ...what, transition: 'firing', severity: 'critical' }]);
});

test('a mail server that is away is exit status 1, and the mail waits', async (t) => {
  const { run, json } = await alertFolder(t, { config: away, alerts: [firing()] });
  const { status, stdout, stderr } = await run('alert');
  assert.equal(status, 1);
  const putOff = /^time=\S+ event=put-off recipient=ops@example\.org message_id="<.*>" message=".*ECONNREFUSED.*"$/m;
  assert.match(stderr, putOff);
  assert.match(stdout, / composed=1 sent=0 put_off=1 refused=0 /);
  const { undelivered } = (await json('status')) as { undelivered: { mails: number } };
  assert.equal(undelivered.mails, 1);
  assert.deepEqual(await run('-q', 'alert'), { status: 1, stdout: '', stderr: '' });
});

test('quiet says once an hour that a mail is not delivered, and mail discard gives it up', async (t) => {
  const { run, refused, dir } = await alertFolder(t, { config: away, alerts: [firing()] });
  const line =
    /^fleet-health: 1 mail to ops@example\.org not delivered since .*ECONNREFUSED.* \(mail-undelivered\)\..*\n$/;
  assert.match((await run('-q', 'alert')).stderr, line);
  assert.equal((await run('-q', 'alert')).stderr, '');
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(path.join(dir, 'state', 'undelivered-logged'), anHourAgo, anHourAgo);
  assert.match((await run('-q', 'alert')).stderr, line);
  assert.match((await run('mail', 'list')).stdout, /^ *1 +ops@example\.org +critical .*\n {4}.*ECONNREFUSED/m);
  assert.equal((await run('mail', 'discard', '1')).status, 0);
  assert.deepEqual(await run('-q', 'alert'), { status: 0, stdout: '', stderr: '' });
  assert.match((await run('alerts')).stdout, /^ {4}discarded, and not delivered to ops@example\.org/m);
  await refused(['mail', 'discard', '1'], /no mail 1 waits/);
});

test('mail resend tries a mail with the next pass', rare, async (t) => {
  const { run, refused, said } = await alertFolder(t, { config: away, alerts: [firing()] });
  assert.match((await run('alert')).stderr, /event=put-off/);
  assert.doesNotMatch((await run('alert')).stderr, /event=put-off/);
  assert.match(await said('mail', 'resend', '1'), /^Mail 1 will be tried with the next pass of alert\.\n$/);
  assert.match((await run('alert')).stderr, /event=put-off/);
  await refused(['mail', 'resend', '2'], /no mail 2 waits/);
});

test('a recipient who left config.xml is not sent the mail that waits, nor told of that alert', rare, async (t) => {
  const left = 'left@example.org';
  const known = { alertId: 1, recipient: left, state: 'firing', severity: 'critical', sequence: 1 } as const;
  const plan = { mails: [mail({ recipient: left })], notified: [{ ...known, notifiedAtMs: Date.now() }] };
  const { said, alerts, dir } = await alertFolder(t, { config, alerts: [firing()], plan });
  const line = (await said('alert')).split('\n').find((one) => one.includes('left@example.org'));
  assert.match(line ?? '', /event=dropped recipient=left@example\.org .*config\.xml no longer names this recipient/);
  const outbox = path.join(dir, 'state', 'outbox');
  assert.equal(readdirSync(outbox).length, 1);
  assert.equal((await alerts())[0]?.notified.map(({ recipient }) => recipient).join(), 'ops@example.org');
});

test('a database that is away is one line and exit status 3, quiet or not', async (t) => {
  const { dir } = await alertFolder(t, { config });
  const file = path.join(dir, 'other.xml');
  writeFileSync(file, config.replace('<alerts>', '<storage url="mysql://u@127.0.0.1:1/f"/><alerts>'), { mode: 0o600 });
  const { status, stdout, stderr } = await runCli(['-q', '-c', file, 'alert'], { cwd: dir });
  assert.deepEqual([status, stdout], [3, '']);
  assert.match(stderr, /^fleet-health: .* \(storage-unavailable\)\. .*\n$/);
});

test('a replay says where its data begins, and tries the rules of another file on this database', rare, async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1');
  await fleet.run(['-q', 'collect']);
  const plain = await fleet.run(['alert', '--replay', '--since', '2d']);
  assert.match(plain.stdout, /^Data begins \d{4}-.*: of the time since \d{4}-.* before it nothing is known\.$/m);
  assert.match(plain.stdout, /^Nothing would have fired\.$/m);
  const file = path.join(fleet.dir, 'trial.xml');
  const rule = '<alert name="any-memory" type="memory" limit="0%" for="1x"/>';
  const alerts = `<alerts><mail to="try@example.org"/>${rule}</alerts>`;
  const trial = `<config>${alerts}<client name="c1" ip="127.0.0.1"/></config>`;
  writeFileSync(file, trial, { mode: 0o600 });
  const tried = await fleet.run(['alert', '--replay', '--rules', file]);
  assert.match(tried.stdout, /^any-memory +c1 +1 /m);
  assert.match(tried.stdout, / to try@example\.org: /);
  assert.match((await fleet.run(['alerts'])).stdout, /^Nothing is open\./);
});

test('--replay says what would have been notified, and --since is for it alone', async (t) => {
  const { said, refused, json } = await alertFolder(t, { config, alerts: [firing()] });
  const stdout = await said('alert', '--replay', '--since', '2h');
  assert.match(stdout, /^Replayed \d{4}-.* passes over 0 reports and 0 visits\. Nothing was changed\.$/m);
  assert.match(stdout, /^Nothing would have fired\.$/m);
  const document = await json('alert', '--replay', '--since', '2h');
  assert.deepEqual([document['replay'], document['mails'], document['counts']], [true, [], []]);
  assert.deepEqual(document['digests'], []);
  await refused(['alert', '--since', '2h'], /--since is only for --replay/);
});

test('an option or a time that a replay cannot have is refused', rare, async (t) => {
  const { refused } = await alertFolder(t, { config, alerts: [firing()] });
  await refused(['alert', '--rules', 'trial.xml'], /--rules is only for --replay/);
  await refused(['alert', '--replay', '--since', 'once'], /"once" is no time \(usage\)\. Write 30d, /);
  await refused(['alert', '--replay', '--since', '2199-01-01'], /has not passed yet/);
});

test('quiet says once an hour that replies are not read, and mails go out', rare, async (t) => {
  const replies = '<replies imap="imap://fleet@127.0.0.1:1/INBOX" address="fleet@example.org" password="x"/>';
  const { run, dir, said, json } = await alertFolder(t, { config: config.replace('<alerts>', `${replies}<alerts>`) });
  const line = /^fleet-health: replies at 127\.0\.0\.1:1: .*ECONNREFUSED.* \(replies-unread\)\..*\n$/;
  const first = await run('-q', 'alert');
  assert.match(first.stderr, line);
  assert.equal(first.status, 0);
  assert.equal((await run('-q', 'alert')).stderr, '');
  const anHourAgo = Date.now() / 1000 - 3600;
  utimesSync(path.join(dir, 'state', 'faults-logged', 'replies-unread'), anHourAgo, anHourAgo);
  assert.match((await run('-q', 'alert')).stderr, line);
  for (const args of [['status'], ['explain', '--fleet']]) {
    const text = await said(...args);
    assert.match(
      text,
      /^Replies at 127\.0\.0\.1:1: .*ECONNREFUSED.*\. No reply has been read since \S.*\d\d:\d\d; mails/m,
    );
    assert.doesNotMatch(text, /Replies to mails are read/);
    const { replies_unread: unread } = (await json(...args)) as { replies_unread: object };
    assert.deepEqual(Object.keys(unread), ['since', 'reason']);
  }
});

for (const [act, word, when] of [
  ['550 5.1.1 nobody of that name', 'refused', {}],
  ['451 4.7.1 greylisted', 'put off', rare],
] as const) {
  test(`alert -q says in one line why it ends with 1 when a canary is ${word}`, when, async (t) => {
    const imap = await startImapServer({ password: 'x' });
    const smtpServer = await startSmtpServer({ act: ({ phase }) => (phase === 'rcpt' ? act : undefined) });
    t.after(() => Promise.all([imap.stop(), smtpServer.stop()]));
    const elements = `${smtp.replace('port="1"', `port="${smtpServer.port}"`)}
      <replies imap="imap://fleet@127.0.0.1:${imap.port}/INBOX" password="x"/><canary to="canary@example.org"/>`;
    const { run } = await alertFolder(t, { config: config.replace('<alerts>', `${elements}<alerts>`) });
    const { status, stdout, stderr } = await run('-q', 'alert');
    assert.deepEqual([status, stdout], [1, ''], stderr);
    assert.match(
      stderr,
      /^fleet-health: .*canary@example\.org.*: .*(?:5\.1\.1|4\.7\.1) .*\(mail-undelivered\)\. .*\n$/,
    );
    assert.equal(stderr.split('\n').length, 2, stderr);
  });
}
