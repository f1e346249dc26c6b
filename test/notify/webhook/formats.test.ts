/** The forms of chat and incident programs: as published by their makers, within their sizes, without mentions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { WebhookFormat } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { formats } from '../../../src/notify/webhook/formats.ts';
import { freezeWebhook, parseFrozen } from '../../../src/notify/webhook/freeze-webhook.ts';
import { createWebhookChannel } from '../../../src/notify/webhook/webhook.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import { clientText } from '../support/client-text.ts';
import { noticeAlert as bareAlert, noticeOf, webhookConfig } from '../support/notices.ts';
import { faultOf, outgoing, sendOptions } from '../support/smtp-config.ts';
import { shapeOf, vector } from '../support/vectors.ts';

type Json = Readonly<Record<string, unknown>>;

const noticeAlert = (over: Parameters<typeof bareAlert>[0] = {}) => bareAlert({ labels: { site: 'fra' }, ...over });
const endsAtMs = Date.UTC(2026, 10, 20, 9);
const over = noticeAlert({ state: 'resolved', endsAtMs });
const key = 'R0ut1ngK3y0fF1ctionAndN0thingM0re';

/** Hostile text from a client, for a mount point or a message. */
const hostile =
  '@channel @everyone <!here> <@U123> <@&124> [x](http://evil.example) `*_~|>#: {{DATE(1)}} <at>Kim</at> "\\';

function frozen(format: WebhookFormat, notice = noticeOf([noticeAlert()])) {
  return parseFrozen(freezeWebhook(notice, { name: 'chat', format }));
}

function documents(format: WebhookFormat, notice = noticeOf([noticeAlert()])): readonly Json[] {
  return frozen(format, notice).requests.map((text) => JSON.parse(text) as Json);
}

function document(format: WebhookFormat, notice = noticeOf([noticeAlert()])): Json {
  const [first, ...others] = documents(format, notice);
  assert.ok(first !== undefined && others.length === 0);
  return first;
}

/** Returns every text in a document. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

test('slack: the form of the published example, with a header, in plain text', () => {
  const message = document('slack');
  const example = vector('slack') as { readonly blocks: readonly Json[] };
  const [header, section] = message['blocks'] as readonly { readonly type: string; readonly text: Json }[];
  assert.deepEqual(Object.keys(message).sort(), Object.keys(example).sort());
  assert.deepEqual(Object.keys(section ?? {}), Object.keys(example.blocks[0] ?? {}));
  assert.deepEqual([header?.type, section?.type], ['header', 'section']);
  assert.deepEqual(section?.text, {
    type: 'plain_text',
    text: 'CRITICAL web-1: disk /var: 97 % used, 3 of 100 GiB free (limit 95 %)',
    emoji: false,
  });
});

const page = 'https://fleet.example.org/alerts/7';

/** The place of the page's address in each format: a field of its vendor, or text that telephones link. */
const linkedIn: Readonly<Record<WebhookFormat, (sent: Sent, text: string) => unknown>> = {
  alertmanager: ({ fields }) => (fields['alerts'] as readonly Json[])[0]?.['generatorURL'],
  pagerduty: ({ fields }) => fields['client_url'],
  // Juggler's events have no place for an address.
  juggler: () => page,
  text: (_, text) => text.trim().split('\n').at(-1)?.trim(),
  slack: ({ fields }) => /<(.*)>/.exec(JSON.stringify((fields['blocks'] as readonly Json[])[2]))?.[1],
  discord: ({ fields }) => /\n<(.*)>$/.exec(String((fields['embeds'] as readonly Json[])[0]?.['description']))?.[1],
  teams: ({ fields }) => /"url":"([^"]*)"/.exec(JSON.stringify(fields))?.[1],
  ntfy: ({ headers }) => headers['click'],
  apprise: ({ fields }) => String(fields['body']).split('\n').at(-1),
  gotify: ({ fields }) => /"click":\{"url":"([^"]*)"/.exec(JSON.stringify(fields))?.[1],
  telegram: ({ fields }) => String(fields['text']).split('\n').at(-1),
  matrix: ({ fields }) => String(fields['body']).split('\n').at(-1),
  pushover: ({ fields }) => fields['url'],
};

for (const format of Object.keys(formats) as WebhookFormat[]) {
  test(`${format}: the page of the alert is linked`, () => {
    const notice = noticeOf([noticeAlert({ page })], { page, text: `web-1: disk /var\n  ${page}\n` });
    const { type, headers, body } = frozen(format, notice);
    const isForm = type === 'application/x-www-form-urlencoded';
    const parsed: unknown = type.includes('json') ? JSON.parse(body) : {};
    const fields = isForm ? Object.fromEntries(new URLSearchParams(body)) : parsed;
    assert.equal(linkedIn[format]({ type, headers, fields: fields as Json }, body), page);
  });
}

test('telegram: the address of the page is no part of the preformatted text', () => {
  const { text, entities } = document('telegram', noticeOf([noticeAlert()], { page }));
  const [entity] = entities as readonly { readonly length: number }[];
  assert.equal(String(text).slice(entity?.length), `\n\n${page}`);
});

/** A frozen notification, with its body as a document. */
interface Sent {
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Json;
}

/** Fails unless a program reads the text as it is: JSON, without a form for people. */
const asJson = ({ type }: Sent): void => assert.equal(type, 'application/json');

/**
 * The way in which each maker takes text without markup and mentions, as its documents say. A format for programs hands
 * the text on as it is.
 */
const disarmed: Readonly<Record<WebhookFormat, (sent: Sent) => void>> = {
  alertmanager: asJson,
  pagerduty: asJson,
  juggler: asJson,
  text: ({ type }) => assert.equal(type, 'text/plain; charset=utf-8'),
  slack: ({ fields }) => {
    assert.doesNotMatch(String(fields['text']), /[<>]|&(?!amp;|lt;|gt;)/);
    assert.doesNotMatch(JSON.stringify(fields), /"mrkdwn"|"link_names"|"parse"/);
  },
  discord: ({ fields }) => {
    const example = vector('discord') as Json;
    assert.deepEqual(fields['allowed_mentions'], example['allowed_mentions']);
    for (const name of Object.keys(example)) assert.ok(name in fields, name);
    const [embed] = fields['embeds'] as readonly Json[];
    for (const text of [fields['content'], embed?.['description']]) {
      assert.doesNotMatch(String(text).replace(/\\./g, ''), /[@<`*_~|[\]>#]/);
    }
  },
  teams: ({ fields }) => {
    const strip = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (name, inner) => (name === 'body' ? [] : inner) as unknown));
    assert.deepEqual(shapeOf(strip(fields)), shapeOf(strip(vector('teams'))));
    assert.doesNotMatch(JSON.stringify(fields), /"TextBlock"|"entities"|"msteams"/);
  },
  ntfy: ({ type, headers }) => {
    assert.equal(type, 'text/plain; charset=utf-8');
    assert.deepEqual(Object.keys(headers).sort(), ['priority', 'tags', 'title'], 'no header Markdown');
  },
  apprise: ({ fields }) => assert.equal(fields['format'], 'text'),
  gotify: ({ fields }) => assert.deepEqual(fields['extras'], { 'client::display': { contentType: 'text/plain' } }),
  telegram: ({ fields: { text, entities, ...fields } }) => {
    assert.deepEqual(entities, [{ type: 'pre', offset: 0, length: String(text).length }]);
    assert.ok(!('parse_mode' in fields));
  },
  matrix: ({ fields }) => {
    assert.deepEqual(Object.keys(fields).sort(), ['body', 'm.mentions', 'msgtype']);
    assert.deepEqual([fields['m.mentions'], fields['msgtype']], [{}, 'm.text']);
  },
  pushover: ({ fields }) => {
    for (const name of ['html', 'monospace', 'url']) assert.ok(!(name in fields), name);
  },
};

/** Returns the documents of a frozen notification; the fields of a form, and none of plain text. */
function sentOf(format: WebhookFormat, text: string): readonly Sent[] {
  const { requests, type, headers } = frozen(format, noticeOf([noticeAlert({ title: text })], { subject: text }));
  return requests.map((request) => {
    if (type === 'application/json') return { type, headers, fields: JSON.parse(request) as Json };
    const isForm = type === 'application/x-www-form-urlencoded';
    return { type, headers, fields: isForm ? Object.fromEntries(new URLSearchParams(request)) : {} };
  });
}

for (const format of Object.keys(formats) as WebhookFormat[]) {
  test(`${format}: text of a client is neither markup nor a mention`, () => {
    const check = (text: string): void => sentOf(format, text).forEach(disarmed[format]);
    fc.assert(fc.property(clientText, check), { numRuns: 30, examples: [[hostile]] });
  });
}

test('ntfy: title, priority and tags of the published example, as headers', () => {
  const example = vector('ntfy') as Json;
  const { type, headers, body } = frozen('ntfy', noticeOf([noticeAlert()], { subject: 'Größe' }));
  assert.equal(type, 'text/plain; charset=utf-8');
  for (const name of Object.keys(headers)) assert.ok(name in example, name);
  assert.deepEqual(headers, { title: '=?UTF-8?B?R3LDtsOfZQ==?=', priority: '5', tags: 'rotating_light' });
  assert.match(body, /^CRITICAL web-1: disk \/var: 97 %/);
  const priorities = [
    noticeOf([noticeAlert()], { state: 'reminder' }),
    noticeOf([noticeAlert()], { severity: 'warning' }),
    noticeOf([over], { state: 'resolved', severity: 'none' }),
  ].map((notice) => frozen('ntfy', notice).headers['priority']);
  assert.deepEqual(priorities, ['3', '3', '2']);
});

test('pagerduty: an event an alert with one key from beginning to end, as published', () => {
  const acknowledged = noticeAlert({ id: 'b'.repeat(32), acknowledgedBy: 'kim' });
  const events = documents('pagerduty', noticeOf([noticeAlert(), acknowledged, over]));
  const [trigger, , acknowledge, resolve] = events;
  assert.deepEqual(
    events.map((event) => [event['event_action'], event['dedup_key']]),
    [
      ['trigger', noticeAlert().id],
      ['trigger', acknowledged.id],
      ['acknowledge', acknowledged.id],
      ['resolve', noticeAlert().id],
    ],
  );
  assert.deepEqual(shapeOf(acknowledge), shapeOf(vector('pagerduty-acknowledge')));
  // Left out: the fields that PagerDuty calls optional and that our messages lack.
  const { images, links, client_url: url, payload, ...rest } = vector('pagerduty-trigger') as Json;
  const { group, ...fields } = payload as Json;
  assert.ok(images && links && url && group);
  assert.deepEqual(shapeOf(trigger), shapeOf({ ...rest, payload: fields }));
  // The payload of an end is optional. It says what remains: `6 of 8 serve again; still away: web-4`.
  assert.deepEqual(shapeOf(resolve), shapeOf({ ...(vector('pagerduty-resolve') as Json), payload: fields }));
  const details = (trigger?.['payload'] as Json | undefined)?.['custom_details'] as Json;
  assert.deepEqual([details['site'], details['instance']], ['fra', 'web-1']);
});

test('pagerduty: a summary and a key have at most the characters that it takes, whatever the alert', () => {
  for (const text of ['x', '日', '\u{1f600}'].map((one) => one.repeat(2_000))) {
    const [event] = frozen('pagerduty', noticeOf([noticeAlert({ client: text, title: text, value: text })])).requests;
    const { dedup_key: key, payload } = JSON.parse(event ?? '') as {
      readonly dedup_key: string;
      readonly payload: { readonly summary: string };
    };
    assert.ok(key.length <= 255, key);
    assert.ok(Array.from(payload.summary).length <= 1_024);
    assert.ok(!/\p{Cs}/u.test(payload.summary));
  }
});

test('pagerduty: what is known there already and acknowledged now is one event', () => {
  const acknowledged = noticeAlert({ state: 'reminder', acknowledgedBy: 'kim' });
  const events = documents('pagerduty', noticeOf([acknowledged, noticeAlert({ state: 'reminder' })]));
  assert.deepEqual(
    events.map((event) => event['event_action']),
    ['acknowledge', 'trigger'],
  );
});

test('juggler: a state for each host and service', () => {
  const fleet = noticeAlert({ client: '', rule: 'collector-silent', subject: 'a b\u00e9', severity: 'warning' });
  const { source, events } = document('juggler', noticeOf([noticeAlert(), over, fleet])) as Json & { events: Json[] };
  assert.equal(source, 'fleet-health');
  assert.deepEqual(
    events.map(({ host, service, instance, status, tags }) => ({ host, service, instance, status, tags })),
    [
      { host: 'web-1', service: 'disk', instance: '/var', status: 'CRIT', tags: ['site_fra'] },
      { host: 'web-1', service: 'disk', instance: '/var', status: 'OK', tags: ['site_fra'] },
      { host: 'fleet-health', service: 'collector-silent', instance: 'a_b_', status: 'WARN', tags: ['site_fra'] },
    ],
  );
});

const maxBytes: Readonly<Partial<Record<WebhookFormat, number>>> = {
  slack: 9_000,
  discord: 9_000,
  teams: 28_000,
  ntfy: 4_096,
  matrix: 65_000,
};

for (const [format, most] of Object.entries(maxBytes) as readonly (readonly [WebhookFormat, number])[]) {
  test(`${format}: thousands of alerts of any length fit, and the rest is counted`, () => {
    for (const text of ['x', '日本'.repeat(900), '\u{1f600}'.repeat(900), hostile.repeat(15), '*'.repeat(2_000)]) {
      const alerts = Array.from({ length: 3_000 }, () => noticeAlert({ title: text, value: text }));
      const { body, requests, headers } = frozen(format, noticeOf(alerts, { subject: text }));
      assert.ok(Buffer.byteLength(body) <= most, `${Buffer.byteLength(body)}`);
      assert.match(body, /and \d+ more/);
      for (const value of Object.values(headers)) assert.ok(value.length < 1_000);
      if (format === 'ntfy') continue;
      const texts = requests.flatMap((one) => textsOf(JSON.parse(one)));
      assert.ok(texts.every((one) => !/\p{Cs}/u.test(one)));
      const [first = '', second = ''] = [...texts].sort((one, other) => other.length - one.length);
      if (format === 'slack') assert.ok(first.length <= 3_000 && second.length <= 3_000);
      if (format === 'discord') assert.ok(first.length <= 4_096 && second.length <= 2_000);
    }
  });
}

test('slack: those who know no blocks have each line in the text, without mentions and links of theirs', () => {
  const other = noticeAlert({
    title: 'web-2: disk /mnt/@all',
    value: '[x](https://evil.example) `a` @here b@x.org <!channel>',
  });
  const { text } = document('slack', noticeOf([noticeAlert(), other], { page: 'https://fleet.example.org/' }));
  assert.deepEqual(String(text).split('\n'), [
    noticeOf([noticeAlert()]).subject,
    'CRITICAL web-1: disk /var: 97 % used, 3 of 100 GiB free (limit 95 %)',
    "CRITICAL web-2: disk /mnt/\uff20all: [x] (https://evil.example) 'a' \uff20here b@x.org &lt;!channel&gt; (limit 95 %)",
    '<https://fleet.example.org/>',
  ]);
});

test('what clients beside one saw of it stands in the events and documents of programs', () => {
  const beside = 'web-2 and web-3 get no answer from it either.';
  const alert = noticeAlert({ beside });
  const [event] = frozen('pagerduty', noticeOf([alert])).requests.map((one) => JSON.parse(one) as Json);
  const details = ((event?.['payload'] as Json | undefined)?.['custom_details'] ?? {}) as Json;
  assert.equal(details['beside'], beside);
  const incident = { id: 'd'.repeat(32), title: '2 clients unreachable' };
  const two = [noticeAlert({ incident }), noticeAlert({ incident, id: 'e'.repeat(32), client: 'web-4', beside })];
  const [shared] = frozen('pagerduty', noticeOf(two)).requests.map((one) => JSON.parse(one) as Json);
  assert.equal(((shared?.['payload'] as Json | undefined)?.['custom_details'] as Json | undefined)?.['beside'], beside);
  const { alerts } = document('alertmanager', noticeOf([alert])) as { readonly alerts: readonly Json[] };
  assert.equal((alerts[0]?.['annotations'] as Json | undefined)?.['beside'], beside);
  const { events } = document('juggler', noticeOf([alert])) as { readonly events: readonly Json[] };
  assert.ok(String(events[0]?.['description']).endsWith(`; ${beside}`));
});

test('slack: a header of at most 150 characters', () => {
  const { blocks } = document('slack', noticeOf([noticeAlert()], { subject: 'é'.repeat(400) })) as Json & {
    readonly blocks: readonly { readonly text: { readonly text: string } }[];
  };
  assert.ok((blocks[0]?.text.text.length ?? 999) <= 150);
});

test('pagerduty: the key of the URL goes into each event, and into no stored text', async (t) => {
  const receiver = await openReceiver(t);
  const url = `${receiver.origin.replace('//', `//${key}@`)}/v2/enqueue`;
  const channel = createWebhookChannel(webhookConfig(url, { format: 'pagerduty' }));
  const other = noticeAlert({ id: 'c'.repeat(32) });
  const content = freezeWebhook(noticeOf([noticeAlert(), other]), { name: 'chat', format: 'pagerduty' });
  assert.ok(!content.includes(key));
  let marks = 0;
  const onDataBegun = (): Promise<void> => Promise.resolve(void (marks += 1));
  const mail = outgoing({ content });
  await channel.send(mail, sendOptions({ onDataBegun }));
  assert.equal(marks, 1);
  const bodies = receiver.received.map(({ body }) => JSON.parse(body) as Json);
  assert.deepEqual(
    bodies.map((body) => [body['routing_key'], body['dedup_key']]),
    [
      [key, noticeAlert().id],
      [key, other.id],
    ],
  );
  const [first, second] = receiver.received.map(({ headers }) => headers);
  assert.deepEqual([first?.authorization, first?.['content-type']], [undefined, 'application/json']);
  assert.deepEqual(
    [first?.['idempotency-key'], second?.['idempotency-key']],
    [`${mail.messageId} 1`, `${mail.messageId} 2`],
  );
  receiver.act(({ body }) => (body.includes(other.id) ? { status: 429, body } : { status: 202 }));
  const fault = await faultOf(channel.send(mail, sendOptions()));
  assert.deepEqual([fault.code, fault.stage], ['mail-unavailable', 'channel']);
  assert.ok(!fault.message.includes(key), fault.message);
  const keyless = webhookConfig(`${receiver.origin}/v2/enqueue`, { format: 'pagerduty' });
  assert.match(
    (await faultOf(createWebhookChannel(keyless).send(mail, sendOptions()))).message,
    /is not of the form https:\/\/KEY@events\.pagerduty/,
  );
  assert.ok(!JSON.stringify(new Secret({ kind: 'literal', value: url })).includes(key));
});
