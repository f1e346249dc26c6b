import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { eventsSendCommand, type EventsSendOptions } from '../../../src/cli/serve/send-event.ts';
import { localUrl } from '../../../src/cli/serve/events.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { Context } from '../../../src/cli/command/context.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { parseEvents } from '../../../src/collector/events/parse-event.ts';
import { jugglerEvents } from '../../../src/notify/webhook/incidents.ts';
import { noticeAlert, noticeOf } from '../../notify/support/notices.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import { configFolder } from '../../support/programs/run-cli.ts';
import { until } from '../../support/until.ts';
import { openEndpoint } from '../../look/serve/support/event-endpoints.ts';

const nothing = { to: null, instance: null, tags: null, value: null, ttl: null, id: null, timeout: '5s' };
const backup = { ...nothing, host: 'nas', service: 'backup', status: 'crit', description: 'disk\nfull' };

/** Runs the command in this process. Returns its document. */
async function send(options: Partial<EventsSendOptions>, config?: string): Promise<Readonly<Record<string, unknown>>> {
  const printed: unknown[] = [];
  const output = { json: true, verbosity: 'normal', printJson: (value: unknown) => printed.push(value) };
  const { signal } = new AbortController();
  const context = { output, signal, configFile: config ?? null } as unknown as Context;
  assert.equal(await eventsSendCommand(context, { ...backup, ...options }), 0);
  return printed[0] as Readonly<Record<string, unknown>>;
}

function fault(code: string, exitStatus: number, says: RegExp) {
  return (thrown: unknown): boolean => {
    assert.ok(thrown instanceof FleetError);
    assert.deepEqual([thrown.code, thrown.exitStatus], [code, exitStatus]);
    assert.match(thrown.message, says);
    assert.ok(!thrown.message.includes('s3cret'));
    return true;
  };
}

function configOf(t: TestContext, elements: string): string {
  return path.join(configFolder(t, `<config>${elements}</config>`), 'config.xml');
}

test('an event is a row of the server that it is sent to, once', async (t) => {
  const endpoint = await openEndpoint(t);
  const to = `http://127.0.0.1:${endpoint.port}`;
  const more = { id: 'a', tags: 'x,y', value: '3.5', ttl: '26h', instance: 'i' };
  const document = await send({ to, ...more });
  assert.deepEqual([document['to'], document['attempts'], document['id']], [`${to}/events`, 1, 'a']);
  await send({ to, ...more });
  // Without --to the event goes to the server of config.xml.
  await send({ status: '0', description: 'done' }, path.join(endpoint.dir, 'config.xml'));
  await until(() => endpoint.stored('id').length === 2, 'the events are not stored');
  assert.deepEqual(
    endpoint.stored('event_id, host, service, instance, status, description, tags, value, ttl').slice(0, 1),
    [['nas:a', 'nas', 'backup', 'i', 'CRIT', 'disk full', '["x","y"]', 3.5, 93_600]],
  );
  assert.deepEqual(endpoint.stored('status, description').slice(1), [['OK', 'done']]);
});

for (const [host, address] of [
  ['::', '[::1]'],
  ['0.0.0.0', '127.0.0.1'],
  ['192.0.2.7', '192.0.2.7'],
] as const) {
  test(`without --to an event for the server on ${host} goes to ${address}`, (t) => {
    const config = configOf(t, `<serve host="${host}"><events from="192.0.2.0/24"/></serve><client ip="192.0.2.1"/>`);
    const { serve } = loadConfig({ file: config, checkPermissions: false });
    assert.ok(serve !== null);
    assert.equal(localUrl(serve).href, `http://${address}:5151/`);
  });
}

test('a receiver that takes nothing for now is asked again, with the same id', async (t) => {
  const receiver = await openReceiver(t);
  const answers = [{ status: 503, headers: { 'Retry-After': '0' } }, { status: 500 }, { status: 200 }];
  receiver.act(() => answers.shift() ?? { status: 200 });
  const document = await send({ to: `http://anna:s3cret@127.0.0.1:${receiver.port}/hook` });
  assert.equal(document['attempts'], 3);
  assert.ok(!JSON.stringify(document).includes('s3cret'));
  const bodies = receiver.received.map(({ body, path: at }) => `${at} ${body}`);
  assert.equal(new Set(bodies).size, 1);
  assert.match(
    bodies[0] ?? '',
    /^\/hook \{"source":"fleet-health","events":\[\{"host":"nas",.*"id":"[0-9a-f-]{36}"\}\]\}$/,
  );
  assert.match(receiver.received[0]?.headers.authorization ?? '', /^Basic /);
});

test('exit status 1 if it is refused, 3 if nobody takes it in time, 2 for wrong words', async (t) => {
  const receiver = await openReceiver(t);
  receiver.act(() => ({ status: 403, body: '{"message":"not\u001b[2J you"}' }));
  await assert.rejects(send({ to: receiver.origin }), fault('event-refused', 1, /status 403: .*not.{1,8} you/));
  receiver.act(({ headers }) => ({ status: 403, body: `no ${headers.authorization ?? ''}` }));
  const login = receiver.origin.replace('//', '//x:s3cret@');
  await assert.rejects(send({ to: login }), fault('event-refused', 1, /status 403: no Basic \[secret\]=*$/));
  receiver.act(() => () => undefined);
  await assert.rejects(send({ to: receiver.origin, timeout: '1s' }), fault('event-unsent', 3, /after 1 attempts/));
  const to = `http://x:s3cret@127.0.0.1:${await freePort()}`;
  await assert.rejects(send({ to, timeout: '1s' }), fault('event-unsent', 3, /ECONNREFUSED/));
  for (const wrong of [{ status: 'FINE' }, { value: '' }, { ttl: 'x' }, { host: '' }, { to: 'https://[s3cret' }]) {
    await assert.rejects(send({ to, ...wrong }), fault('usage', 2, /./));
  }
});

test('--to names a webhook for Juggler, and no other', async (t) => {
  const receiver = await openReceiver(t);
  const config = configOf(
    t,
    `<alerts mail="ops@example.org"><webhook name="juggler" format="juggler" url="${receiver.origin}/s3cret"/>
     <webhook name="chat" format="slack" url="${receiver.origin}"/></alerts><client ip="192.0.2.1"/>`,
  );
  assert.equal((await send({ to: 'juggler' }, config))['to'], 'webhook juggler');
  assert.equal(receiver.received[0]?.path, '/s3cret');
  await assert.rejects(send({ to: 'chat' }, config), fault('usage', 2, /another form/));
  await assert.rejects(send({ to: 'other' }, config), fault('usage', 2, /no <webhook> has that name/));
  await assert.rejects(send({}, config), fault('usage', 2, /not set where/));
});

test('without a terminal a broken config.xml loses no event: the last valid one is used', async (t) => {
  const receiver = await openReceiver(t);
  const hook = `<webhook name="juggler" format="juggler" url="${receiver.origin}/"/>`;
  const config = configOf(t, `<alerts mail="ops@example.org">${hook}</alerts><client ip="192.0.2.1"/>`);
  await send({ to: 'juggler' }, config);
  writeFileSync(config, '<clint/>');
  await send({ to: 'juggler' }, config);
  assert.equal(receiver.received.length, 2);
});

test('what a webhook for Juggler posts are events of our own', () => {
  const labels = { site: 'fra' };
  const alerts = [
    noticeAlert({ labels }),
    noticeAlert({ labels, state: 'resolved', subject: '', rule: 'load average' }),
  ];
  const body = JSON.stringify(jugglerEvents(noticeOf(alerts)));
  const events = parseEvents(body, 0) ?? [];
  assert.deepEqual(
    events.map(({ host, service, instance, status, tags, raw }) => [host, service, instance, status, tags, raw]),
    [
      ['web-1', 'disk', '/var', 'CRIT', ['site_fra'], null],
      ['web-1', 'load_average', '', 'OK', ['site_fra'], null],
    ],
  );
  assert.match(events[0]?.description ?? '', /^web-1: disk \/var: 97 %/);
});
