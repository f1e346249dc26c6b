import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { renderFleetPage } from '../../../src/look/page/fleet-page.ts';
import { alertOf, clientOf, pageOf } from './support/page-samples.ts';

test('a page allows its own style and program by their digests, and nothing else', () => {
  const html = renderFleetPage(pageOf({ clients: [clientOf({})] }));
  const digest = (text = ''): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
  const [, style] = /<style>([^]*?)<\/style>/.exec(html) ?? [];
  const [, script] = /<script>([^]*?)<\/script>/.exec(html) ?? [];
  assert.deepEqual(policy.split('; '), [
    "default-src 'none'",
    `style-src ${digest(style)}`,
    `script-src ${digest(script)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  assert.doesNotMatch(html, /\sstyle=|\son\w+=|(?:src|href)="(?!#)/);
});

test('the licence of uPlot is in the program of the page', () => {
  const licence = readFileSync(new URL('../../../node_modules/uplot/LICENSE', import.meta.url), 'utf8').trim();
  assert.match(licence, /Permission is hereby granted/);
  assert.ok(renderFleetPage(pageOf({})).includes(licence));
});

test('names that are HTML, escape codes or written from right to left are text, wherever they stand', () => {
  const name = `</script><img src=x onerror="alert('1')">\u202e\u001b[31m`;
  const client = clientOf({ name, address: name, hostname: name, os: name, reason: name, diskMount: name });
  const alert = alertOf({
    client: name,
    rule: name,
    subject: name,
    value: name,
    limit: name,
    note: name,
    mutes: [name],
  });
  const html = renderFleetPage(pageOf({ title: name, clients: [client], alerts: [alert], history: [alert] }));
  assert.doesNotMatch(html, /<img|onerror="|[\u202e]|\p{Cc}(?<!\n)/u);
  assert.equal(html.match(/<script/g)?.length, 1);
});

test('the lines after the worst 500 wait for the program of the page', () => {
  const clients = Array.from({ length: 502 }, (_, index) => clientOf({ name: `web-${index}` }));
  const html = renderFleetPage(pageOf({ clients }));
  assert.deepEqual(
    [...html.matchAll(/<tr id="([^"]*)" class="near later"/g)].map(([, name]) => name),
    ['web-500', 'web-501'],
  );
});

test('an open alert says what, since when, how bad, and the command that acknowledges it', () => {
  const { alerts, untilMs } = pageOf({ alerts: [alertOf({ note: 'Call ann', mutes: ['silence 3 until 18:00'] })] });
  const html = renderFleetPage(pageOf({ alerts, untilMs }));
  for (const words of ['disk /var', '96.2 %', '(limit 95 %)', 'for 2 hours', 'Call ann', 'silence 3', 'ack 7']) {
    assert.ok(html.includes(words), words);
  }
});

test('a storm of alerts is folded, and stays within reach without scripts', () => {
  const alerts = Array.from({ length: 30 }, (_, id) => alertOf({ id }));
  const html = renderFleetPage(pageOf({ alerts }));
  assert.match(html, /<details><summary>18 more<\/summary><ol class="alerts" start="13">/);
  assert.equal(html.match(/<li class="critical">/g)?.length, 30);
});

test('of more than 500 open alerts and 150 clients with alerts the rest is a number', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, id) =>
      alertOf({ id, client: `web-${id}`, severity: id < 150 ? 'critical' : 'warning' }),
    );
  const page = (count: number): string => renderFleetPage(pageOf({ alerts: many(count), history: many(count) }));
  const numbers = (html: string): readonly number[] =>
    [/<li class="(?:critical|warning)">/g, /<text class="name"/g].map((part) => html.match(part)?.length ?? 0);
  const [all, cut] = [page(150), page(501)];
  assert.deepEqual([numbers(all), /And /.test(all)], [[150, 150], false]);
  assert.deepEqual(numbers(cut), [500, 150]);
  assert.match(cut, /501 firing, 0 pending[^]*<p>And 1 more alert\.<\/p>[^]*<p>And alerts of 351 clients more\.<\/p>/);
  // Clients with critical alerts come first.
  assert.ok(cut.includes('>web-149</text>') && !cut.includes('>web-150</text>'));
});

test('an unknown value is a dash and no bar, and a gap of a sparkline is not drawn', () => {
  const unknown = { value: null, beyond: null };
  const html = renderFleetPage(
    pageOf({
      clients: [
        clientOf({ cpuPercent: unknown, memoryPercent: unknown, diskPercent: unknown, spark: [10, null, 30, 30] }),
      ],
    }),
  );
  assert.equal(html.match(/class="bar/g), null);
  assert.match(html, /<path d="M0 18h1M64 14l32 0"\/>/);
});

test('a line has the hostname only if it says more than the name, and figures that are not known are dashes', () => {
  const html = renderFleetPage(
    pageOf({
      clients: [
        clientOf({ name: 'web-1.example.org', hostname: 'web-1', loadPerCpu: 0.4 }),
        clientOf({ name: 'db', hostname: 'db-old', loadPerCpu: null, reportAgeMs: null, availability: null }),
      ],
    }),
  );
  assert.match(html, /<span class="about">192\.0\.2\.1 · Debian GNU\/Linux 12<\/span>[^]*?<td>0\.40<\/td>/);
  assert.match(html, /<span class="about">192\.0\.2\.1 · db-old · Debian/);
  assert.equal(html.match(/<td><span class="unknown">&#8211;<\/span><\/td>/g)?.length, 3);
});

test('an alert without value and limit has no empty paragraph', () => {
  const html = renderFleetPage(pageOf({ alerts: [alertOf({ rule: 'rebooted', value: null, limit: null })] }));
  assert.doesNotMatch(html, /<p>\s*<\/p>/);
});

test('the time line names spans without a run, and shows alerts and silences of a client', () => {
  const { sinceMs, untilMs } = pageOf({});
  const half = (sinceMs + untilMs) / 2;
  const html = renderFleetPage(
    pageOf({
      history: [alertOf({ pendingSinceMs: half, firingSinceMs: half, resolvedAtMs: untilMs, state: 'resolved' })],
      silences: [{ client: 'web-1', fromMs: sinceMs, toMs: half }],
      gaps: [{ fromMs: sinceMs, toMs: half }],
    }),
  );
  assert.match(html, /No run of the collector: Fri 20 Nov 10:00 to 22:00\./);
  assert.match(html, /<rect class="critical" y="26" height="10" x="500" width="500">/);
  assert.match(html, /<rect class="silence" y="23" height="16" x="0" width="500">/);
});

test('a line says which mount will be full and when, and wants a look', () => {
  const fullIn = { mount: '/data<b>', inMs: 6.2 * 86_400_000 };
  const html = renderFleetPage(pageOf({ clients: [clientOf({ fullIn, diskPercent: { value: 50, beyond: null } })] }));
  assert.match(html, /<tr id="web-1" class="near"/);
  assert.ok(html.includes('<span class="about full">/data&lt;b&gt; full in 6d</span>'));
});
