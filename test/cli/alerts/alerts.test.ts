import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { mail } from '../../storage/support/alert-samples.ts';
import { pluck } from '../../support/pluck.ts';
import { alertFolder, ended, firing } from '../support/stored-alerts.ts';

const config = `<config>
  <smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>
  <alerts zone="Asia/Kolkata"><mail to="ops@example.org"/></alerts>
  <client name="web-[1-2]" ip="192.0.2.[1-2]"/><client name="db-1" ip="192.0.2.9"/>
</config>`;

const notified = { state: 'firing', severity: 'critical', sequence: 1 } as const;
const storedAlerts = [
  firing({ rule: 'memory', subject: '', severity: 'warning' }),
  firing({ client: '', rule: 'collector-silent', subject: 'c0ffee', valueText: 'silent for 20m', limitText: '' }),
  firing({ client: 'db-1', state: 'pending', firingSinceMs: null }),
  ended({ client: 'web-2' }),
  ended({ client: 'db-1', rule: 'inodes', resolvedAtMs: Date.now() - 8 * 86_400_000, closedReason: 'gone' }),
];
const plan = {
  notified: [
    { ...notified, alertId: 2, recipient: 'ops@example.org', notifiedAtMs: Date.UTC(2026, 10, 20, 10, 30) },
    { ...notified, alertId: 2, recipient: 'oncall@example.org', notifiedAtMs: Date.UTC(2026, 10, 20, 9) },
  ],
};

test('before the first run nothing is open, and nothing is made', async (t) => {
  const dir = configFolder(t, config);
  const { status, stdout, stderr } = await runCli(['alerts'], { cwd: dir });
  assert.deepEqual([status, stdout, stderr], [0, 'Nothing is open.\n', '']);
  assert.ok(!existsSync(path.join(dir, 'state')));
});

test('the worst stands first, what is pending last; what has ended needs --all', async (t) => {
  const { alerts } = await alertFolder(t, { config, alerts: storedAlerts, plan });
  const ids = async (...args: string[]): Promise<unknown> =>
    (await alerts(...args)).map(({ id, state }) => `${id} ${state}`);
  assert.deepEqual(await ids(), ['2 firing', '1 firing', '3 pending']);
  assert.deepEqual(await ids('--all'), ['2 firing', '1 firing', '3 pending', '4 resolved']);
  assert.deepEqual(await ids('web-*', '--all'), ['1 firing', '4 resolved']);
});

test('each line says value, limit, since when in the zone of the readers, and who was notified', async (t) => {
  const { run } = await alertFolder(t, { config, alerts: storedAlerts, plan });
  const { stdout } = await run('alerts', '--all');
  assert.match(
    stdout,
    /^ *2 +critical +\(fleet\) +collector-silent c0ffee +silent for 20m +\d.* 2h +ops@example\.org \+1 16:00/m,
  );
  assert.match(stdout, /^ *1 +warning +web-1 +memory +96\.2 % \(limit 95 %\) .* nobody$/m);
  assert.match(stdout, /^ *3 +pending +db-1 +disk \/var /m);
  assert.match(stdout, /^ *4 +ended +web-2 .*\n {4}recovered \d{4}-\d\d-\d\d \d\d:\d\d$/m);
  assert.match(stdout, /\n2 alerts fire\. Times are Asia\/Kolkata\./);
});

test('silences and windows are marked', async (t) => {
  const quiet = config.replace(
    '</alerts>',
    '<window days="sun-sat" start="00:00" duration="24h" rules="memory"/></alerts>',
  );
  const { run, alerts } = await alertFolder(t, { config: quiet, alerts: storedAlerts });
  await run('silence', 'add', '--client', 'db-*', '--until', '2199-01-01');
  const covers = (await alerts()).map(({ id, held_by: held }) => [
    id,
    ...held.map(({ kind, silence }) => `${kind} ${silence ?? '-'}`),
  ]);
  assert.deepEqual(covers, [[2], [1, 'window -'], [3, 'silence 1']]);
  assert.match((await run('alerts')).stdout, /silence 1 until 2199-01-01 00:00/);
});

test('the document holds what docs/json.md says', async (t) => {
  const { json } = await alertFolder(t, {
    config,
    alerts: [firing()],
    plan: { notified: [{ ...notified, alertId: 1, recipient: 'ops@example.org', notifiedAtMs: 0 }] },
  });
  const { command, alerts } = (await json('alerts', 'web-1')) as { command: string; alerts: Record<string, unknown>[] };
  assert.equal(command, 'alerts');
  const times = { pending_since: 'time', firing_since: 'time' };
  assert.deepEqual(
    { ...alerts[0], ...times },
    {
      id: 1,
      client: 'web-1',
      rule: 'disk',
      subject: '/var',
      state: 'firing',
      severity: 'critical',
      value: 96.2,
      value_text: '96.2 %',
      limit_text: 'at least 95 %',
      ...times,
      resolved_at: null,
      closed_reason: null,
      flapping: false,
      ...{ acknowledged: null, eased: null },
      held_by: [],
      ...{ changes: [], beside: null },
      notified: [
        {
          recipient: 'ops@example.org',
          state: 'firing',
          severity: 'critical',
          at: '1970-01-01T00:00:00.000Z',
          delivery: 'sent',
          undelivered_since: null,
          error: null,
        },
      ],
    },
  );
});

test('an unknown client is refused with the nearest right one', async (t) => {
  const { refused } = await alertFolder(t, { config, alerts: storedAlerts });
  await refused(['alerts', 'bd-1'], /there is no client "bd-1"; did you mean "db-1"\?/);
});

test('a mail that was queued, one that was sent and one that nobody took are told apart', async (t) => {
  const notifiedTo = (recipient: string) => ({ ...notified, alertId: 1, recipient, notifiedAtMs: Date.now() });
  const people = ['ops@example.org', 'oncall@example.org', 'boss@example.org'];
  const mails = people.map((recipient) => mail({ recipient, messageId: `<${recipient}>` }));
  const toPeople = { mails, notified: people.map(notifiedTo) };
  const { run, alerts, deliver } = await alertFolder(t, { config, alerts: [firing()], plan: toPeople });
  await deliver({ kind: 'sent', where: '' }, { kind: 'put-off', error: 'no answer within 20 s' });
  const [alert] = await alerts();
  const notifiedOf = alert?.notified
    .map(({ recipient, delivery, error }) => `${recipient} ${delivery}: ${error}`)
    .sort();
  const failed = 'oncall@example.org not_delivered: no answer within 20 s';
  assert.deepEqual(notifiedOf, ['boss@example.org queued: null', failed, 'ops@example.org sent: null']);
  const { stdout } = await run('alerts');
  assert.match(stdout, / ops@example\.org \d\d:\d\d$/m);
  assert.match(stdout, /^ {4}not delivered to oncall@example\.org since \d{4}-.*: no answer within 20 s$/m);
  assert.match(stdout, /^ {4}queued for boss@example\.org since \d{4}-/m);
  const explained = (await run('explain', 'web-1', 'disk')).stdout;
  assert.match(explained, /^ +Notified: ops@example\.org [^,]*\(critical\)\.$/m);
  assert.match(explained, /^ +Not delivered to oncall@example\.org since .*: no answer within 20 s\.$/m);
  assert.match(explained, /^ +Queued for boss@example\.org since /m);
});

test('--since shows what fired since then, ended or not, and --exit-status says whether something fires', async (t) => {
  const agoMs = (hours: number): number => Date.now() - hours * 3_600_000;
  const { run, alerts } = await alertFolder(t, {
    config,
    alerts: [
      ended({ firingSinceMs: agoMs(30), resolvedAtMs: agoMs(26) }),
      ended({ client: 'web-2', firingSinceMs: agoMs(30), resolvedAtMs: agoMs(20) }),
      firing({ client: 'db-1' }),
      firing({ client: 'db-1', rule: 'memory', state: 'pending', firingSinceMs: null }),
    ],
  });
  const since = (await alerts('--since', '24h')).map(({ client, state }) => `${client} ${state}`);
  assert.deepEqual(since, ['db-1 firing', 'web-2 resolved']);
  assert.equal((await run('alerts', '--exit-status')).status, 1);
  assert.equal((await run('alerts', 'web-1', '--exit-status')).status, 0);
  assert.equal((await run('alerts', 'web-1', '--since', '1h')).stdout, 'Nothing was firing since then.\n');
  assert.match((await run('alerts', '--since', 'soon')).stderr, /--since "soon" is no time/);
});

test('names, patterns and a group add up, and --sort orders what is worst first else', async (t) => {
  const agoMs = (hours: number): number => Date.now() - hours * 3_600_000;
  const group = '<group name="edge"><client name="edge-1" ip="192.0.2.10"/></group></config>';
  const at = (hours: number) => ({ pendingSinceMs: agoMs(hours), firingSinceMs: agoMs(hours) });
  const { alerts, refused } = await alertFolder(t, {
    config: config.replace('</config>', group),
    alerts: [
      firing({ client: 'web-2', rule: 'memory', severity: 'warning', ...at(1) }),
      firing({ client: 'db-1', ...at(3) }),
      firing({ client: 'edge-1', rule: 'cpu', severity: 'warning', ...at(2) }),
      firing({ client: 'web-1', ...at(4) }),
    ],
  });
  const clients = async (...args: string[]) => pluck(await alerts(...args), 'client').join(' ');
  assert.equal(await clients(), 'web-1 db-1 edge-1 web-2');
  assert.equal(await clients('web-*', '--group', 'edge'), 'web-1 edge-1 web-2');
  assert.equal(await clients('db-1', 'web-2'), 'db-1 web-2');
  assert.equal(await clients('--sort', 'since'), 'web-2 edge-1 db-1 web-1');
  assert.equal(await clients('--sort', 'client'), 'db-1 edge-1 web-1 web-2');
  assert.equal(await clients('--sort', 'rule'), 'edge-1 web-1 db-1 web-2');
  await refused(['alerts', '--group', 'egde'], /there is no group "egde"; did you mean "edge"\?/);
});

test('the alert of a group is among those of its members', async (t) => {
  const needing = '<group name="edge" need="1"><client name="edge-[1-2]" ip="192.0.2.[10-11]"/></group></config>';
  const short = firing({ client: '', rule: 'group-short', subject: 'edge' });
  const { alerts } = await alertFolder(t, {
    config: config.replace('</config>', needing),
    alerts: [firing({ client: 'edge-1' }), firing({ client: 'web-1' }), short],
  });
  assert.deepEqual([...pluck(await alerts('--group', 'edge'), 'client')].sort(), ['', 'edge-1']);
});
