import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { composeDigest, type DigestText } from '../../../src/alerter/digest/compose-digest.ts';
import type { DigestFacts } from '../../../src/alerter/digest/read-digest.ts';
import { columnsOf } from '../../../src/text/text-columns.ts';
import { isWide } from '../../support/long-tests.ts';
import {
  badWeek,
  changesOf,
  digestConfig,
  hostileWeek,
  machine,
  openAlert,
  quietWeek,
  spanOf,
  totals,
} from '../support/digest-samples.ts';

/** The fleet is a tenth in `npm test`, in which every list is long as well. */
const part = isWide ? 1 : 0.1;

const names = Array.from({ length: 10_000 * part }, (_, index) => `node-${index + 1}.dc.example.org`);

/** Makes an item of a sample for each of the first `count` clients. `make` gets the client and its number. */
function each<T>(count: number, make: (client: string, index: number) => T): readonly T[] {
  return names.slice(0, count * part).map(make);
}

function oneOf<T>(items: readonly T[]): readonly T[] {
  return items.slice(0, 1);
}

/** A bad week of 10,000 clients, or a tenth of them, in which every list is long. */
const hugeWeek: DigestFacts = {
  ...badWeek,
  clients: oneOf(badWeek.clients).flatMap((client) => each(10_000, (name) => ({ ...client, name }))),
  open: each(6000, (client, index) => openAlert(client, { rule: `rule-${index % 40}` })),
  spans: [
    ...each(9000, (client, index) => spanOf(client, 1 + (index % 90), 1, { rule: `rule-${index % 40}` })),
    ...each(5000, (client, index) => spanOf(client, 1 + (index % 90), 2, { rule: 'unreachable', subject: '' })),
    ...each(3000, (client) => spanOf(client, 0, 3, { rule: 'rebooted', subject: '', closedReason: 'event' })),
    ...each(50, (client) => spanOf(client, 1, 4, { rule: 'host-key-changed', subject: '' })),
  ],
  joined: names.slice(0, 4000 * part),
  left: names.slice(4000 * part, 8000 * part),
  inventories: each(10_000, (client, index) => ({
    client,
    before: machine,
    after: { ...machine, kernel: `6.1.${index % 500}`, disks: [`disk ${index}`], cards: [`eth0 ${index}`] },
  })),
  changes: each(10_000, (client, index) => changesOf(client, ['file', `/etc/${index}`, null, null])).flat(),
  forecasts: oneOf(badWeek.forecasts).flatMap((forecast) => each(10_000, (client) => ({ ...forecast, client }))),
  outliers: {
    figures: oneOf(badWeek.outliers.figures).flatMap((figure) => each(5000, (client) => ({ ...figure, client }))),
    kinds: oneOf(badWeek.outliers.kinds).flatMap((kind) =>
      each(500, (group) => ({ ...kind, group, clients: names.slice(0, 900) })),
    ),
  },
  pending: each(10_000, (client) => ({ client, rebootRequired: true, updates: 900, securityUpdates: 90 })),
  undelivered: oneOf(badWeek.undelivered).flatMap((mail) =>
    each(400, (name, id) => ({ ...mail, id, recipient: `ops@${name}`, error: `${id} ${name} is away` })),
  ),
};

const folder = path.join(import.meta.dirname, '../../testdata/digests');

function compose(facts: DigestFacts, attached: string | null = null): DigestText {
  return composeDigest({ facts, config: digestConfig, attached });
}

const samples = {
  'quiet-week': quietWeek,
  'bad-week': badWeek,
  hostile: hostileWeek,
  'no-clients': { ...quietWeek, clients: [], runs: [] },
};

for (const [name, facts] of Object.entries(samples)) {
  test(`digest: ${name}`, () => {
    const { subject, text, html } = compose(facts);
    for (const [file, content] of [
      [`${name}.txt`, `Subject: ${subject}\n\n${text}`],
      [`${name}.html`, html],
    ] as const) {
      const full = path.join(folder, file);
      if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(full, content);
      assert.ok(existsSync(full), `${file} is missing; UPDATE_GOLDEN=1 writes it`);
      assert.equal(content, readFileSync(full, 'utf8'));
    }
  });
}

for (const [name, facts] of Object.entries({ ...samples, 'a huge week': hugeWeek })) {
  test(`digest: ${name} has 80 lines of 72 columns at most, and nothing harmful`, () => {
    const { subject, text, html } = compose(facts, 'The report of this span is attached: report-20261120.html.');
    const lines = text.trimEnd().split('\n');
    assert.ok(lines.length <= 80, `${lines.length} lines`);
    assert.deepEqual(
      lines.filter((line) => columnsOf(line) > 72),
      [],
    );
    for (const part of [subject, text.replaceAll('\n', ''), html.replaceAll('\n', '')]) {
      assert.doesNotMatch(part, /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b\u202a-\u202e]/u);
    }
    assert.doesNotMatch(html, /<script/);
    assert.ok(columnsOf(subject) <= 110);
  });
}

test('a quiet week is one line above the rule, whoever answered how often', () => {
  const { subject, text } = compose(quietWeek);
  assert.equal(subject, 'Digest: 400 of 400 answered all 2,016 visits');
  assert.equal(text.split('\n---')[0], '400 of 400 answered all 2,016 visits.\n');
});

test('outliers that were there before are notified beside something else alone', () => {
  const { outliers } = badWeek;
  assert.equal(compose({ ...quietWeek, outliers }).text, compose(quietWeek).text);
  assert.match(compose({ ...quietWeek, outliers, newOutliers: true }).text, /UNLIKE THE OTHERS OF THEIR GROUP/);
  assert.match(compose({ ...quietWeek, outliers, joined: ['web-001'] }).text, /UNLIKE THE OTHERS OF THEIR GROUP/);
});

test('lists of a bad week shrink together, the longest first, but for the kinds of change', () => {
  const { text } = compose(badWeek);
  const lists = [...text.matchAll(/\n {2}and (\d+) more/g)];
  assert.ok(lists.length > 3, text);
  const blocks = text.split(/\n\n/).filter((block) => !/^\d+ kinds of change/.test(block));
  const lengths = blocks.map((block) => block.split('\n').filter((line) => /^ {2}\S/.test(line)).length);
  assert.ok(Math.max(...lengths) - Math.min(...lengths.filter((length) => length > 2)) <= 4, lengths.join());
});

test('machines that changed are notified part by part, and host keys', () => {
  const after = { ...machine, os: 'Debian GNU/Linux 13', cpus: 64, memoryBytes: 64 * 2 ** 30, cards: ['eth1 02:00'] };
  const spans = [spanOf('web-003', 1, 5, { rule: 'host-key-changed', subject: '' })];
  const inventories = ['web-001', 'web-002'].map((client) => ({ client, before: machine, after }));
  const { text } = compose({ ...quietWeek, spans, inventories });
  const [, changed = ''] = /WHAT CHANGED =+\n\n([^]*?)\n\n/.exec(text) ?? [];
  assert.deepEqual(changed.split('\n'), [
    '6 kinds of change',
    '  host key changed: web-003',
    '  CPU 48 x AMD EPYC 740… to 64 x AMD EPYC 740… (2): web-001, web-002',
    '  memory 32 GiB to 64 GiB (2): web-001, web-002',
    '  network card came: eth1 02:00 (2): web-001, web-002',
    '  network card went: eth0 52:54:00:12:34:56 (2): web-001, web-002',
    '  system Debian GNU/Linux… to Debian GNU/Linux… (2): web-001, web-002',
  ]);
});

test('two collectors that share the fleet count visits together', () => {
  const halves = { ...totals, runs: 4032, fullRuns: 4032 };
  const { subject } = compose({ ...quietWeek, runs: [halves] });
  assert.equal(subject, 'Digest: 400 of 400 answered all visits, 806,400 in 4,032 runs');
});

test('one failed visit of many never reads as all', () => {
  const { text } = compose({ ...quietWeek, runs: [{ ...totals, succeeded: totals.succeeded - 1, failed: 1 }] });
  assert.match(text, /99\.99 % of 806,400 visits were answered/);
});

test('no run at all is not quiet', () => {
  assert.match(compose({ ...quietWeek, runs: [] }).text, /^AVAILABILITY =+\n\nNothing was visited\n/);
});

test('runs of the collector that did not finish are notified', () => {
  const { text } = compose({ ...quietWeek, runs: [{ ...totals, unfinished: 2 }] });
  assert.match(text, /2 runs of the collector did not finish/);
});

test('the rest of a list is counted, by rule too', () => {
  const open = quietWeek.clients.slice(0, 12).map(({ name }) => openAlert(name));
  const { text } = compose({ ...quietWeek, open });
  assert.match(text, /\n {2}and 2 more\n {2}by rule: disk 12\n/);
});

test('forecasts beyond 30 days are left out, and days count from the digest on', () => {
  const [near] = badWeek.forecasts;
  assert.ok(near);
  const asOfMs = quietWeek.untilMs - 86_400_000;
  const forecasts = [29.5, 31.5, 1, 0].map((daysLeft) => ({ ...near, asOfMs, daysLeft, client: `d${daysLeft}` }));
  const { text } = compose({ ...quietWeek, forecasts });
  assert.match(text, /\n {2}d0 \/data: in 0 days \(Thu 19 Nov\), [^\n]+\n {2}d1 \/data: in 0 days /);
  assert.match(text, /\n {2}d29\.5 \/data: in 29 days \(Fri 18 Dec\), grows 11 GiB a day\n/);
  assert.doesNotMatch(text, /d31/);
});

test('an upgrade of many clients is one change of a digest, and a boot or a kernel is listed once', () => {
  const upgraded = ['web-001', 'web-002', 'web-003'].flatMap((client) =>
    changesOf(
      client,
      ['package', 'libssl3 amd64', '3.0.11', '3.0.14'],
      ['package', 'openssl amd64', '3.0.11', '3.0.14'],
      ['system', 'boot', `1 ${client}`, `2 ${client}`],
    ),
  );
  const kernel = { before: machine, after: { ...machine, kernel: '6.1.0-22-amd64' } };
  const { text } = compose({
    ...quietWeek,
    spans: [spanOf('web-001', 0, 3, { rule: 'rebooted', subject: '', closedReason: 'event' })],
    inventories: ['web-002', 'web-004'].map((client) => ({ client, ...kernel })),
    changes: [
      ...upgraded,
      ...changesOf('web-002', ['system', 'kernel', '6.1.0-18-amd64', '6.1.0-22-amd64']),
      ...changesOf(
        'web-009',
        ['unit', 'nginx.service', 'enabled', 'masked'],
        ['account', 'backup', null, '1002 /home/backup /bin/sh'],
        ['account', 'zoe', null, '1003 /home/zoe /bin/bash sudo'],
      ),
    ],
  });
  const section = /WHAT CHANGED =+\n\n([^]*?)\n\n/.exec(text)?.[1]?.split('\n');
  assert.deepEqual(section, [
    '5 kinds of change',
    '  booted (3): web-001, web-002, web-003',
    '  libssl3 3.0.11 to 3.0.14 and 1 more package (3): web-001, web-002, we…',
    '  kernel 6.1.0-18-amd64 to 6.1.0-22-amd64 (2): web-002, web-004',
    '  new account zoe in sudo and 1 more account: web-009',
    '  nginx.service masked: web-009',
  ]);
});

test('a digest says that there were more changes than it read', () => {
  const changes = changesOf('web-001', ['file', '/etc/hosts', null, null]);
  assert.match(compose({ ...quietWeek, changes, moreChanges: true }).text, /^More than 1 kind of change$/m);
});
