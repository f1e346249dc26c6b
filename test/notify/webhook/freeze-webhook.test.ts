import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';
import { decodeWords } from 'postal-mime';

import { webhookFormats } from '../../../src/config/channel-config.ts';
import { freezeWebhook, parseFrozen } from '../../../src/notify/webhook/freeze-webhook.ts';
import { clientText } from '../support/client-text.ts';
import { noticeAlert, noticeOf } from '../support/notices.ts';
import { documentedForm, shapeOf, vector } from '../support/vectors.ts';

type Labels = Readonly<Record<string, string>>;

interface AlertmanagerDocument {
  readonly version: string;
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly status: string;
  readonly receiver: string;
  readonly groupLabels: Labels;
  readonly commonLabels: Labels;
  readonly commonAnnotations: Labels;
  readonly externalURL: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Labels;
    readonly annotations: Labels;
    readonly startsAt: string;
    readonly endsAt: string;
    readonly generatorURL: string;
    readonly fingerprint: string;
  }[];
}

const form = { name: 'chat', format: 'alertmanager' } as const;

function alertmanager(notice: ReturnType<typeof noticeOf>): AlertmanagerDocument {
  const { type, body } = parseFrozen(freezeWebhook(notice, form));
  assert.equal(type, 'application/json');
  return JSON.parse(body) as AlertmanagerDocument;
}

test('alertmanager: the form of the published example', () => {
  const document = alertmanager(noticeOf([noticeAlert()]));
  assert.deepEqual(shapeOf(document), shapeOf(vector('alertmanager')));
  assert.deepEqual([document.version, document.receiver, document.status], ['4', 'chat', 'firing']);
});

test('alertmanager: each name and type of the form that Prometheus documents, and no other', () => {
  const samples = { string: '""', int: '0', object: '{}' } as const;
  const form = documentedForm('alertmanager')
    .replace(/ +\/\/.*/g, '')
    .replace(/<(string|int|object)>/g, (_, type: keyof typeof samples) => samples[type])
    .replace(/,\s*\.\.\./, '');
  assert.deepEqual(shapeOf(alertmanager(noticeOf([noticeAlert()]))), shapeOf(JSON.parse(form)));
});

test('alertmanager: labels and annotations of an alert, and what all have in common', () => {
  const site = { site: 'fra' };
  const fleet = noticeAlert({
    client: '',
    rule: 'collector-silent',
    subject: 'c1',
    value: '',
    limit: '',
    labels: site,
  });
  const noted = noticeAlert({ note: 'Call kim.', acknowledgedBy: 'kim', labels: site });
  const document = alertmanager(noticeOf([noted, fleet]));
  assert.deepEqual(document.alerts[0]?.labels, {
    site: 'fra',
    alertname: 'disk',
    instance: 'web-1',
    severity: 'critical',
    subject: '/var',
  });
  assert.deepEqual(document.alerts[0].annotations, {
    summary: 'web-1: disk /var: 97 % used, 3 of 100 GiB free (limit 95 %)',
    value: '97 % used, 3 of 100 GiB free',
    limit: 'at least 95 %',
    note: 'Call kim.',
    acknowledged_by: 'kim',
  });
  assert.equal('instance' in (document.alerts[1]?.labels ?? {}), false, 'a label without a value is none');
  assert.deepEqual(document.commonLabels, { site: 'fra', severity: 'critical' });
  assert.deepEqual(document.commonAnnotations, {});
});

test('alertmanager: what is over has an end; a reminder and an event fire', () => {
  const endsAtMs = Date.UTC(2026, 10, 20, 9);
  const over = noticeAlert({ state: 'resolved', endsAtMs });
  const event = noticeAlert({ state: 'event', endsAtMs });
  const mixed = alertmanager(noticeOf([noticeAlert({ state: 'reminder' }), event, over]));
  assert.equal(mixed.status, 'firing');
  assert.deepEqual(
    mixed.alerts.map(({ status, endsAt }) => [status, endsAt]),
    [
      ['firing', '0001-01-01T00:00:00Z'],
      ['firing', '2026-11-20T09:00:00.000Z'],
      ['resolved', '2026-11-20T09:00:00.000Z'],
    ],
  );
  assert.equal(alertmanager(noticeOf([over])).status, 'resolved');
});

test('alertmanager: a thousand alerts, and the number of the rest', () => {
  const document = alertmanager(noticeOf(Array.from({ length: 1_203 }, () => noticeAlert())));
  assert.deepEqual([document.alerts.length, document.truncatedAlerts], [1_000, 203]);
});

test('text: the subject and the text of the mail', () => {
  const { type, body } = parseFrozen(freezeWebhook(noticeOf([noticeAlert()]), { ...form, format: 'text' }));
  assert.equal(type, 'text/plain; charset=utf-8');
  assert.equal(body, 'CRITICAL web-1: disk /var 97 %\n\nCRITICAL (1) ====\nweb-1: disk /var\n');
});

for (const format of webhookFormats) {
  test(`${format}: the same notice is the same text, and its head has the same lines whatever it says`, () => {
    for (const subject of ['plain', 'Größe =?UTF-8?Q?x?= \u202e', 'x'.repeat(2_000), `é${'日本'.repeat(200)}`]) {
      const notice = noticeOf([noticeAlert({ value: '\r\n\r\n{"a":1}' })], { subject, text: 'one\r\n\r\ntwo\n' });
      const content = freezeWebhook(notice, { ...form, format });
      assert.equal(content, freezeWebhook(notice, { ...form, format }));
      const head = content.slice(0, content.indexOf('\r\n\r\n')).split('\r\n');
      assert.deepEqual(
        head.map((line) => line.split(':')[0]),
        ['Message-ID', 'Subject', 'Content-Type', ...(format === 'ntfy' ? ['Title', 'Priority', 'Tags'] : [])],
      );
      assert.match(head.join(''), /^[ -~]*$/);
      assert.equal(decodeWords((head[1] ?? '').slice('Subject: '.length)), subject);
      const { type, body, requests } = parseFrozen(content);
      if (format === 'text') assert.equal(body, `${subject}\n\none\r\n\r\ntwo\n`);
      else if (type === 'application/json') for (const one of requests) JSON.parse(one);
    }
  });
}

for (const format of webhookFormats) {
  test(`${format}: whatever a client says is text in the same document, and changes no header and no field`, () => {
    const frozen = (text: string): readonly unknown[] => {
      const notice = noticeOf([noticeAlert({ title: text, value: text })], { subject: text, text: `${text}\n` });
      const { type, headers, requests } = parseFrozen(freezeWebhook(notice, { ...form, format }));
      const documents = requests.map((one) =>
        type === 'application/json' ? shapeOf(JSON.parse(one)) : [...new URLSearchParams(one).keys()],
      );
      return [type, Object.keys(headers), type.startsWith('text/') ? requests.length : documents];
    };
    const plain = frozen('disk');
    fc.assert(
      fc.property(clientText, (text) => {
        if (text !== '') assert.deepEqual(frozen(text), plain);
      }),
      { numRuns: 25 },
    );
  });
}
