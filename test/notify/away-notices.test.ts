import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { Config } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { AwayNotices, isDatabaseAway } from '../../src/notify/away-notices.ts';
import { configBroken, databaseAway } from '../../src/notify/away-state.ts';
import { makeConfig } from '../support/fleets/fleet.ts';
import { openReceiver } from '../support/servers/http-receiver.ts';
import { webhookConfig } from './support/notices.ts';
import { configOf } from '../alerter/support/config-of.ts';
import { openServer } from '../alerter/support/sending.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { smtpConfig } from './support/smtp-config.ts';
import { awayRecipients } from '../../src/config/recipients/fleet-recipients.ts';
import { recipientOf } from '../../src/config/values/recipient-kinds.ts';

const root = tempFolder();
let places = 0;
const minute = 60_000;
const gone = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'nobody answers' });

/** Makes a machine. Each run on it has its own AwayNotices, as each process would. */
function machine(more: Partial<Config> = {}, topic = databaseAway) {
  const stateDir = path.join(root, String(places++));
  mkdirSync(stateDir);
  const base = makeConfig(stateDir, []);
  const config: Config = { ...base, alerts: { ...base.alerts, repeatMs: 12 * 60 * minute }, ...more };
  const run = async (program: 'collect' | 'alert', minutes: number, fault: FleetError | null) => {
    const now = (): number => Date.UTC(2026, 10, 20, 10) + minutes * minute;
    const signal = new AbortController().signal;
    const teller = new AwayNotices({ topic, config, program, host: 'mon-1', now, signal });
    const said = fault === null ? false : teller.heed(fault) && teller.heed(fault);
    const faults = await teller.end(fault === null);
    return { said, faults: faults.map(({ code }) => code) };
  };
  const mails = (): readonly string[] => {
    const outbox = path.join(stateDir, 'outbox');
    const names = existsSync(outbox) ? readdirSync(outbox) : [];
    return names
      .map((name) => readFileSync(path.join(outbox, name), 'utf8'))
      .sort((a, b) => (/^Date: (.*)/m.exec(a)?.[1] ?? '').localeCompare(/^Date: (.*)/m.exec(b)?.[1] ?? ''));
  };
  const subjects = (): readonly string[] =>
    mails()
      .map((mail) => /^Subject: (.*)\r$/m.exec(mail)?.[1] ?? '')
      .sort();
  return { stateDir, run, mails, subjects };
}

test('two programs say it once, then hourly, and mail it after ten minutes, by `repeat`, and at its end', async () => {
  const { run, mails, subjects } = machine();
  assert.deepEqual(await run('alert', -1, null), { said: false, faults: [] });
  const saidAt: number[] = [];
  for (let minutes = 0; minutes <= 13 * 60; minutes += minutes < 70 ? 1 : 5) {
    if ((await run('alert', minutes, gone)).said) saidAt.push(minutes);
    if (minutes % 5 === 0) assert.equal((await run('collect', minutes, gone)).said, false);
    if (minutes === 9) assert.deepEqual(subjects(), []);
    if (minutes === 10) assert.equal(subjects().length, 1);
  }
  assert.deepEqual(
    saidAt,
    Array.from({ length: 14 }, (_, hour) => hour * 60),
  );
  assert.deepEqual(subjects(), [
    'Database away for 10 minutes, seen from mon-1',
    'Database away for 12 hours 10 minutes, seen from mon-1',
  ]);
  assert.match(mails()[0] ?? '', /nobody answers \(storage-unavailable\)/);
  assert.match(mails()[0] ?? '', /wait sealed in encrypted_stats\/,\r\nor on the clients if its disk is full\.\r\n/);
  await run('alert', 781, null);
  assert.equal(subjects().length, 2, 'the collector has not had it back yet');
  await run('collect', 785, null);
  await run('collect', 790, null);
  assert.deepEqual(subjects()[2], 'Database back after 13 hours 5 minutes, seen from mon-1');
  assert.equal(subjects().length, 3);
  assert.equal((await run('collect', 791, gone)).said, true, 'the next absence is one of its own');
});

test('a short absence is said and not mailed; other faults are always said', async () => {
  const { run, subjects, stateDir } = machine();
  assert.equal((await run('collect', 0, gone)).said, true);
  await run('collect', 5, null);
  await run('collect', 20, gone);
  await run('collect', 25, gone);
  assert.deepEqual(subjects(), []);
  const spool = new FleetError({ code: 'spool-full', stage: 'spool', message: 'full' });
  assert.deepEqual([(await run('collect', 26, spool)).said, (await run('collect', 27, spool)).said], [true, true]);
  assert.equal(statSync(path.join(stateDir, 'database-away.db')).mode & 0o777, 0o600);
  assert.equal(isDatabaseAway(new FleetError({ code: 'locked', stage: 'storage', message: 'm' })), false);
});

test('a mail server that is away too is tried again every five minutes', async () => {
  const smtp = smtpConfig(1, { fallback: 'root@example.org' });
  const { run } = machine({ smtp });
  const tried: number[] = [];
  for (let minutes = 0; minutes <= 20; minutes += 1) {
    if ((await run('alert', minutes, gone)).faults.length > 0) tried.push(minutes);
  }
  assert.deepEqual(tried, [10, 15, 20]);
});

test('without a state all is said and nothing mailed; a clock that was ahead holds nothing back', async () => {
  const { run, subjects, stateDir } = machine();
  await run('alert', 600, gone);
  assert.equal((await run('alert', 0, gone)).said, true);
  await run('alert', 11, gone);
  assert.equal(subjects().length, 1);
  rmSync(stateDir, { recursive: true });
  assert.equal((await run('alert', 12, gone)).said, true);
  assert.equal((await run('alert', 13, gone)).said, true);
  assert.deepEqual(subjects(), []);
});

test('the fallback address and the recipients of the fleet hear of it; a server away is asked once', async (t) => {
  const server = await openServer(t);
  const smtp = smtpConfig(server.port, { fallback: 'root@example.org' });
  const everything = { severity: null, rules: [], hours: null, afterMs: null } as const;
  const oncall = { to: 'oncall@example.org', ...everything, severity: 'critical' } as const;
  const dba = { to: 'dba@example.org', ...everything, rules: ['disk'] } as const;
  const base = makeConfig(root, []).alerts;
  const { run } = machine({ smtp, alerts: { ...base, recipients: [oncall, dba] } });
  await run('alert', 0, gone);
  assert.deepEqual(await run('alert', 10, gone), { said: false, faults: [] });
  assert.deepEqual(server.mails.map(({ to }) => to).sort(), ['oncall@example.org', 'root@example.org']);
  await run('alert', 20, null);
  const [, , back] = server.mails.map(({ content }) => content);
  const ids = server.mails.map(({ content }) => /^X-Fleet-Health-Alert: (\w+)/m.exec(content)?.[1]);
  assert.equal(new Set(ids).size, 1);
  assert.match(back ?? '', /^X-Fleet-Health-State: resolved\r$/m);
  const { run: unheard } = machine({ smtp: { ...smtp, port: 1 }, alerts: { ...base, recipients: [oncall] } });
  await unheard('alert', 0, gone);
  assert.equal((await unheard('alert', 10, gone)).faults.length, 1);
});

test('the recipients of the fleet hear of it, else those of clients, else those of groups', () => {
  const told = (alerts: string, client: string, group: string): string => {
    const member = `<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u" mail="${client}"/>`;
    const config = configOf(`<smtp host="localhost" from="fleet@x.org"/><alerts mail="${alerts}"/>
      <group name="web" need="1" recipients="replace" mail="${group}">${member}</group>`);
    return awayRecipients(config, databaseAway.rule).join();
  };
  assert.equal(told('ops@x.org', 'dba@x.org', 'web@x.org'), 'ops@x.org');
  assert.equal(told('none', 'dba@x.org', 'none'), 'dba@x.org');
  assert.equal(told('none', 'none', 'web@x.org'), 'web@x.org');
  assert.equal(told('none', 'none', 'none'), '');
});

test('a broken config.xml is said hourly and mailed once; one mail says when it is valid again', async () => {
  const { run, mails, subjects, stateDir } = machine({}, configBroken);
  const broken = new FleetError({ code: 'config-broken', stage: 'config', message: 'config.xml:3: <clint>' });
  const saidAt: number[] = [];
  for (let minutes = 0; minutes <= 24 * 60; minutes += minutes < 60 ? 5 : 15) {
    if ((await run('alert', minutes, broken)).said) saidAt.push(minutes);
  }
  assert.equal(saidAt.length, 25);
  assert.deepEqual(subjects(), ['config.xml broken for 10 minutes on mon-1']);
  assert.match(mails()[0] ?? '', /config\.xml:3: <clint>/);
  await run('alert', 1445, null);
  assert.deepEqual(subjects()[1], 'config.xml valid again after 1 day on mon-1');
  assert.equal(existsSync(path.join(stateDir, 'config-broken.db')), false);
  await run('collect', 1450, broken);
  await run('collect', 1455, null);
  assert.equal(subjects().length, 2, 'a short fault is mailed to nobody');
  assert.equal(existsSync(path.join(stateDir, 'config-broken.db')), false);
});

test('webhooks of <alerts> are notified in their own form, with and without <smtp>, once each', async (t) => {
  const receiver = await openReceiver(t);
  const hook = (to: string) => ({
    to: recipientOf('webhook', to),
    severity: null,
    rules: [],
    hours: null,
    afterMs: null,
  });
  const { smtp, alerts } = makeConfig(root, []);
  assert.equal(smtp, null);
  const recipients = [hook('chat'), { ...hook('chat'), to: 'ops@example.org' }];
  const more = { webhooks: [webhookConfig(`${receiver.origin}/T0KEN`)], alerts: { ...alerts, recipients } };
  const { run, subjects } = machine(more);
  await run('alert', 0, gone);
  assert.deepEqual((await run('alert', 10, gone)).faults, []);
  await run('alert', 15, null);
  assert.equal(subjects().length, 2);
  const documents = receiver.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  assert.deepEqual(
    documents.map(({ status, commonLabels }) => [status, commonLabels]),
    ['firing', 'resolved'].map((status) => [
      status,
      { alertname: 'database-away', severity: 'critical', subject: 'mon-1' },
    ]),
  );
  const keys = receiver.received.map(({ headers }) => headers['idempotency-key']);
  assert.equal(new Set(keys).size, 2);
});

test('a mail server that is away at the end owes people the end, though a webhook took it', async (t) => {
  const receiver = await openReceiver(t);
  let isBusy = false;
  const server = await openServer(t, { act: () => (isBusy ? '421 4.3.2 not now' : undefined) });
  const hook = { to: recipientOf('webhook', 'chat'), severity: null, rules: [], hours: null, afterMs: null };
  const people = ['kim', 'lee'].map((name) => ({ ...hook, to: `${name}@example.org` }));
  const { alerts } = makeConfig(root, []);
  const webhooks = [webhookConfig(`${receiver.origin}/T0KEN`)];
  const more = { webhooks, alerts: { ...alerts, recipients: [hook, ...people] }, smtp: smtpConfig(server.port) };
  const { run } = machine(more, configBroken);
  await run('alert', 0, new FleetError({ code: 'config-broken', stage: 'config', message: 'config.xml:3' }));
  await run('alert', 12, new FleetError({ code: 'config-broken', stage: 'config', message: 'config.xml:3' }));
  isBusy = true;
  for (let minutes = 13; minutes < 17; minutes += 1) await run('alert', minutes, null);
  isBusy = false;
  assert.equal(receiver.received.length, 2);
  assert.equal(server.mails.length, 2);
  for (let minutes = 17; minutes < 30; minutes += 1) await run('alert', minutes, null);
  assert.equal(receiver.received.length, 2);
  assert.deepEqual(
    server.mails
      .slice(2)
      .map(({ to }) => to)
      .sort(),
    ['kim@example.org', 'lee@example.org'],
  );
  for (const { content } of server.mails.slice(2)) assert.match(content, /valid again after 13 minutes/);
});
