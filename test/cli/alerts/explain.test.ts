import assert from 'node:assert/strict';
import { test } from 'node:test';

import { madeEvent } from '../../collector/events/support/event-samples.ts';
import { mail, stored } from '../../storage/support/alert-samples.ts';
import { alertFolder, ended, firing } from '../support/stored-alerts.ts';
import { visit } from '../../storage/support/samples.ts';
import { pluck } from '../../support/pluck.ts';

const config = `<config>
  <smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>
  <collector every="5m"/>
  <alerts zone="UTC"><mail to="ops@example.org"/><mail to="boss@example.org" severity="critical"/>
    <alert type="disk" warning="85%" critical="95%" for="15m"/></alerts>
  <client name="web-1" ip="192.0.2.1"/>
  <client name="web-2" ip="192.0.2.2" state="paused"/>
</config>`;

const nowMs = Date.now();
const toOps = { alertId: 1, recipient: 'ops@example.org', sequence: 1, notifiedAtMs: nowMs } as const;
const tellOps = { notified: [{ ...toOps, state: 'firing', severity: 'critical' }] } as const;

async function explained(
  t: Parameters<typeof alertFolder>[0],
  options: Omit<Parameters<typeof alertFolder>[1], 'config'>,
  ...args: string[]
): Promise<string> {
  return await (await alertFolder(t, { config, ...options })).said('explain', ...args);
}

test('what fires, who knows it, and who does not know it yet', async (t) => {
  const text = await explained(t, { alerts: [firing()], plan: tellOps }, 'web-1', 'disk');
  assert.match(text, /^No report of web-1 is stored\.$/m);
  assert.match(text, /^disk \(critical at least 95 %, warning at least 85 %, for 15m\)$/m);
  const fires = /^ {2}Alert 1 \(\/var\) fires as critical since \d{4}-.* \(2h ago\): 96\.2 % \(limit 95 %\)\.$/m;
  assert.match(text, fires);
  assert.match(text, /^ {4}Notified: ops@example\.org \d{4}-.* \(critical\)\.$/m);
  assert.match(text, /^ {4}The next pass notifies boss@example\.org\.$/m);
  assert.match(text, /^ {2}Goes to ops@example\.org, boss@example\.org \(critical alone\)\.$/m);
  assert.match(text, /Times are UTC\.\n$/);
});

test('a webhook is a recipient like others, called by its name', async (t) => {
  const webhook = '<webhook name="chat" url="https://hooks.example.org/T0KEN" severity="critical"/>';
  const chatting = config.replace('<alert type', `${webhook}<alert type`);
  const { said } = await alertFolder(t, { config: chatting, alerts: [firing()], plan: tellOps });
  const text = await said('explain', 'web-1', 'disk');
  assert.match(text, /^ {4}The next pass notifies boss@example\.org, webhook:chat\.$/m);
  assert.match(text, /^ {2}Goes to .*, webhook:chat \(critical alone\)\.$/m);
  assert.doesNotMatch(text, /T0KEN/);
});

test('an Alertmanager is notified of every rule, and the fleet says where it and replies are', async (t) => {
  const beside = `<alertmanager url="http://am:s3cret@am-1:9093,http://am-2:9093"/>
    <replies imap="imaps://fleet%40example.org@imap.example.org/Replies" password="pw"/>`;
  const alone = config.replace('<alerts ', `${beside}<alerts `).replace(/<mail [^>]*>/g, '');
  const { said } = await alertFolder(t, { config: alone, alerts: [firing()] });
  const text = await said('explain', 'web-1', 'disk');
  assert.match(text, /^ {2}Goes to Alertmanager \(am-1:9093, am-2:9093\)\.$/m);
  assert.doesNotMatch(text, /names nobody/);
  const fleet = await said('explain', '--fleet');
  const posts = 'Each pass posts all that fires and is not muted to Alertmanager (am-1:9093, am-2:9093).';
  assert.ok(fleet.includes(`\n${posts}\nReplies to mails are read from Replies of fleet@example.org.\n`), fleet);
  const { alertmanagers } = JSON.parse(await said('explain', '--fleet', '--json')) as { alertmanagers: unknown };
  assert.deepEqual(alertmanagers, ['am-1:9093', 'am-2:9093']);
  assert.doesNotMatch(text + fleet, /s3cret/);
});

test('what is pending says how long it has to hold', async (t) => {
  const sinceMs = Date.UTC(2026, 10, 20, 10);
  const progress = { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: sinceMs };
  const pending = { state: 'pending', firingSinceMs: null, pendingSinceMs: sinceMs, progress } as const;
  const byTime = await explained(t, { alerts: [firing(pending)] }, 'web-1', 'disk');
  // The duration is 15 minutes less half of `every`.
  assert.match(byTime, /is pending since 2026-11-20 10:00 .* It fires with the first row from 2026-11-20 10:12 on/);
  const counted = [firing({ ...pending, rule: 'memory', subject: '' })];
  const byCount = await explained(t, { alerts: counted }, 'web-1', 'memory');
  assert.match(byCount, /It fires when 2 more rows hold\./);
});

test('a silence, an acknowledgement and the group interval are named', async (t) => {
  const { run } = await alertFolder(t, { config, alerts: [firing()], plan: tellOps });
  await run('silence', 'add', '--client', 'web-*', '--until', '2199-01-01');
  await run('ack', '1', '--comment', 'on it');
  const { stdout } = await run('explain', 'web-1', 'disk');
  assert.match(stdout, /Held back: silence 1 until 2199-01-01 00:00\./);
  assert.match(stdout, /Held back: acknowledged by ann: on it; no reminders\./);
  assert.doesNotMatch(stdout, /The next pass notifies/);
});

test('a warning right after another one waits for the group interval', async (t) => {
  const warning = mail({ ordinary: true, severity: 'warning', notifications: [stored()] });
  const second = firing({ rule: 'inodes', subject: '/', severity: 'warning', limitText: 'at least 90 %' });
  const plan = { mails: [warning], notified: [{ ...tellOps.notified[0], severity: 'warning' as const }] };
  const alerts = [firing({ severity: 'warning' }), second];
  const text = await explained(t, { alerts, plan }, 'web-1', 'inodes');
  assert.match(
    text,
    /Held back for ops@example\.org: warnings and recoveries are gathered until \d{4}-.* \(groupInterval\)\./,
  );
});

test('mails that no server has taken are shown with their error', async (t) => {
  const plan = { mails: [mail()], notified: [...tellOps.notified] };
  const { run, json, deliver } = await alertFolder(t, { config, alerts: [firing()], plan });
  await deliver({ kind: 'put-off', error: '450 4.2.1 greylisted' });
  const { stdout } = await run('explain', 'web-1');
  assert.match(
    stdout,
    /no mail server has taken:\n {2}1: ops@example\.org, made .*, 1 try, next try .*: 450 4\.2\.1 greylisted$/m,
  );
  const { undelivered } = (await json('explain', 'web-1')) as { undelivered: { error: string }[] };
  assert.deepEqual(pluck(undelivered, 'error'), ['450 4.2.1 greylisted']);
});

test('the last end, and a paused client', async (t) => {
  const alerts = [ended({ rule: 'disk' }), firing({ client: 'web-2' })];
  const { run } = await alertFolder(t, { config, alerts });
  const last = await run('explain', 'web-1', 'disk');
  assert.match(last.stdout, /^ {2}Nothing is open\.\n {2}Alert 1 \(\/var\) began .* and recovered .* \(15m ago\): /m);
  const paused = await run('explain', 'web-2', 'disk');
  assert.match(paused.stdout, /^It is paused in config\.xml/m);
  assert.match(paused.stdout, /Held back: the client is paused\./);
});

const valueText = 'no full run of mon-1 has finished for 2 h';
const silentAlert = { client: '', rule: 'collector-silent', subject: 'c0ffee', limitText: 'none for 15 min' };
const silent = firing({ ...silentAlert, valueText, value: null });

test('what concerns the fleet is explained too: its collectors, its alerts, what holds them back', async (t) => {
  const folder = await alertFolder(t, { config, alerts: [silent] });
  await folder.ran({ collectorId: 'c0ffee', startedAtMs: Date.now() - 2 * 3_600_000 });
  await folder.run('silence', 'add', '--client', '*', '--rule', 'collector-*', '--until', '2199-01-01');
  const stdout = await folder.said('explain', '--fleet');
  assert.match(stdout, /^The last full run of collector c0ffee on mon-1 finished at .* \(2h ago\)\.$/m);
  const silence = /^ {2}Alert 1 \(c0ffee\) fires as critical since .*: no full run of mon-1 has finished for 2 h/m;
  assert.match(stdout, silence);
  assert.match(stdout, /Held back: silence 1 until 2199-01-01 00:00\./);
  assert.match(stdout, /^ {2}Goes to ops@example\.org, boss@example\.org \(critical alone\)\.$/m);
  assert.match(stdout, /^collector-isolated \(warning\)$/m);
  assert.match((await folder.run('alerts')).stdout, /\(fleet\) .*explain CLIENT, or --fleet, says more/s);

  const document = await folder.json('explain', '--fleet', 'collector-silent');
  const [rule] = document['rules'] as { rule: string; alerts: { id: number }[] }[];
  const [collector] = document['collectors'] as Record<string, unknown>[];
  assert.deepEqual([document['fleet'], rule?.rule, rule?.alerts.map(({ id }) => id)], [true, 'collector-silent', [1]]);
  assert.deepEqual([collector?.['id'], collector?.['host']], ['c0ffee', 'mon-1']);
});

test('a bastion that is gone is named, with how many clients lie behind it', async (t) => {
  const behind = `<config><alerts><mail to="ops@example.org"/></alerts><bastion name="gate" ip="192.0.2.9"/>
    <client name="r-[1-2]" ip="198.51.100.[1-2]" proxyJump="gate"/></config>`;
  const alerts = ['r-1', 'r-2'].map((client) => firing({ client, rule: 'unreachable', subject: '', value: null }));
  const { run, json } = await alertFolder(t, { config: behind, alerts });
  const { stdout } = await run('explain', '--fleet');
  assert.match(stdout, /^No collector has made a full run in the last seven days\.$/m);
  assert.match(stdout, /^Bastion gate is gone: of 2 clients behind it none can be reached\./m);
  assert.deepEqual((await json('explain', '--fleet'))['bastions_gone'], [{ name: 'gate', behind: 2 }]);
});

test('a client may be called like an alert of the fleet', async (t) => {
  const named = config.replaceAll('web-2', 'collector-silent');
  const { run } = await alertFolder(t, { config: named, alerts: [silent] });
  assert.match((await run('explain', 'collector-silent')).stdout, /^No report of collector-silent is stored\.$/m);
  assert.match((await run('explain', '--fleet', 'collector-silent')).stdout, /Alert 1 \(c0ffee\) fires/);
});

for (const [args, says] of [
  [['web-3'], /there is no client "web-3"; did you mean "web-1"\?/],
  [['web-*'], /"web-\*" is 2 clients/],
  [['--fleet', 'disk'], /no rule in force for the fleet as a whole is called "disk"/],
  [['--fleet', 'web-1', 'disk'], /--fleet and a client contradict each other/],
  [[], /nothing says what to explain/],
  [['collector-silent'], /"collector-silent" is no client .*fleet-health explain --fleet/],
  [['(fleet)'], /"\(fleet\)" is no client/],
  [['web-1', 'memroy'], /no rule in force for web-1 is called "memroy"; did you mean "memory"\? .*In force are: /],
] as const) {
  test(`explain ${args.join(' ')} is refused`, async (t) => {
    await (await alertFolder(t, { config })).refused(['explain', ...args], says);
  });
}

test('a silence or window in force is said of a rule with nothing open', async (t) => {
  const { run, json } = await alertFolder(t, { config });
  await run('silence', 'add', '--client', 'web-1', '--until', '2199-01-01');
  const { stdout } = await run('explain', 'web-1', 'disk');
  const heldBack = /^ {2}Nothing is open\.\n {2}What begins now is held back: silence 1 until 2199-01-01 00:00\.$/m;
  assert.match(stdout, heldBack);
  const { rules } = (await json('explain', 'web-1', 'disk')) as { rules: { held_by: unknown }[] };
  const silence = { kind: 'silence', silence: 1, until: '2199-01-01T00:00:00.000Z', subjects: [] };
  assert.deepEqual(rules[0]?.held_by, [silence]);
  assert.doesNotMatch((await run('explain', 'web-2', 'disk')).stdout, /held back/);
});

test('each event of the fleet has a line of its own', async (t) => {
  const rules = '<alert type="event" service="backup*" within="26h"/>';
  const { store, said } = await alertFolder(t, {
    config: config.replace('<alert type="disk"', `${rules}<alert type="disk"`),
  });
  const receivedAtMs = Date.now() - 1000;
  await store(({ events }) =>
    events.saveEvents([
      madeEvent('1', { receivedAtMs, host: 'nas', service: 'backup' }),
      madeEvent('2', { receivedAtMs, host: 'db', service: 'backup', status: 'CRIT', description: 'disk full' }),
    ]),
  );
  const text = await said('explain', '--fleet');
  assert.match(text, /^event service=backup\* \(critical\)\n {2}\S+:backup .*\n {2}\S+:backup /m);
  assert.match(text, /^ {2}db:backup CRIT: disk full$/m);
});

test('what clients beside an unreachable one saw, or why nothing is known, if the rule is asked for', async (t) => {
  // A look before an alert began is none of it.
  const startedAtMs = firing({}).pendingSinceMs;
  const away = { rule: 'unreachable', subject: '', valueText: 'network: no answer', pendingSinceMs: startedAtMs };
  const alerts = ['web-1', 'web-3', 'web-4', 'fra-1'].map((client) => firing({ ...away, client }));
  const more = `<client name="web-3" ip="192.0.2.3" neighbours="yes"/><client name="web-4" ip="192.0.2.4"/>
    <group transport="forward" labels="site=fra"><client name="fra-1"/></group></config>`;
  const folder = await alertFolder(t, { config: config.replace('</config>', more), alerts });
  const look = { from: 'fra-1', port: 22, seen: [['web-9', 'no answer']], near: 1 } as const;
  const lostVisit = { ok: false, stage: 'connect', code: 'connect-timeout', startedAtMs } as const;
  const beside = { ...look, seen: look.seen.map(([name, outcome]): [string, 'no answer'] => [name, outcome]) };
  await folder.store(async ({ reports }) => {
    await reports.saveVisits([
      visit({ ...lostVisit, client: 'web-1', beside: { unasked: 'restricted' } }),
      visit({ ...lostVisit, client: 'web-4', beside }),
    ]);
  });
  const said = async (...args: readonly string[]): Promise<string> => await folder.said('explain', ...args);
  assert.match(await said('web-1', 'unreachable'), /Nobody beside it was asked .*: the keys of those beside it are/);
  assert.match(await said('web-3', 'unreachable'), /Nobody beside it was asked .*: .* not of a full run/);
  assert.doesNotMatch(await said('web-1'), /beside it/);
  // Its site may have it in force.
  assert.match(await said('fra-1', 'unreachable'), /Nobody beside it was asked .*: .* not of a full run/);
  const sentence = /Seen from beside it at [\d-]+ [\d:]+: web-9 gets no answer from it either/;
  assert.match(await said('web-4'), sentence);
  const listed = (await folder.json('alerts'))['alerts'] as {
    client: string;
    beside: Record<string, unknown> | null;
  }[];
  const shown = new Map(listed.map((alert) => [alert.client, alert.beside]));
  assert.deepEqual(shown.get('web-1'), {
    text: null,
    at: new Date(startedAtMs).toISOString(),
    unasked: 'restricted',
    seen: [],
  });
  assert.deepEqual(shown.get('web-4')?.['seen'], [{ client: 'web-9', outcome: 'no_answer' }]);
  assert.equal(shown.get('web-3'), null);
});
