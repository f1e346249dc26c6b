import assert from 'node:assert/strict';
import { test } from 'node:test';

import { standTree } from '../../../src/config/clients/stand-tree.ts';
import { availabilityBar } from '../../../src/look/page/figures.ts';
import { fleetLead, fleetView, type FleetView } from '../../../src/look/page/live/fleet-view.ts';
import { wholeFleet } from '../../../src/look/page/live/links.ts';
import { liveHtml, plainHtml } from '../../../src/look/page/live/live-document.ts';
import { load } from '../../config/support/config-files.ts';
import { alertOf } from './support/page-samples.ts';
import { shownText } from './support/shown-text.ts';

const evening = { hasClients: true, hasRun: true, hasPass: true };
const view: FleetView = {
  ...{
    zone: 'UTC',
    nowMs: Date.UTC(2026, 10, 21, 10),
    query: wholeFleet,
    counts: [],
    total: 3,
    matching: 3,
    unfolded: 3,
  },
  ...{ groups: [], alerts: [], openAlerts: 0, allAlerts: 0, collectedAtMs: null, evening, sites: [], stands: [] },
  changed: { changes: 0, kinds: 0, isMore: false, clients: 0, newest: [] },
};

test('browsers that translate the page leave commands and names as they are', () => {
  const { html } = fleetView({ ...view, alerts: [alertOf({ client: 'web-1' })], openAlerts: 1, allAlerts: 1 });
  for (const part of ['<code', '<a href="/alerts/', '<a href="/c/']) {
    const found = [...html.matchAll(new RegExp(`${part}[^>]*>`, 'g'))].map(([tag]) => tag);
    assert.ok(found.length > 0, part);
    for (const tag of found) assert.match(tag, / translate="no"/);
  }
});

test('below a prefix every address is, and no text is changed', () => {
  const name = `a" href="/x' src="/`;
  const alert = alertOf({ client: name, subject: ' action="/' });
  const query = { ...wholeFleet, group: name, words: ' href="/' };
  const body = fleetView({ ...view, query, alerts: [alert], openAlerts: 1, allAlerts: 9, unfolded: 9 });
  const document = { title: [name], path: '/alerts', body, zone: null };
  const tags = (html: string): readonly string[] =>
    [...html.matchAll(/<[^<>]* (?:href|src|action)="([^"]*)"/g)].map(([, address = '']) => address);
  for (const prefix of ['/fleet', "/a&b/$&'"]) {
    const escaped = prefix.replace('&', '&amp;').replace('$&', '$&amp;').replace("'", '&#39;');
    for (const [html, before] of [
      [
        liveHtml(document, null, { hasEvents: true, prefix }),
        liveHtml(document, null, { hasEvents: true, prefix: '' }),
      ],
      [plainHtml(document, prefix), plainHtml(document, '')],
    ] as const) {
      assert.ok(tags(html).length > 4);
      for (const address of tags(html)) {
        assert.ok(address.startsWith(`${escaped}/`) || /^(?:data:|[#?])/.test(address), address);
      }
      assert.equal(shownText({ html }), shownText({ html: before }));
      assert.equal(html.replaceAll(`="${escaped}/`, '="/'), before);
    }
  }
});

test('the changes of the last day are one line, equal ones together', () => {
  const newest = [
    { words: 'openssl 3.0.11 to 3.0.14', clients: ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'] },
    { words: '/etc/<hosts>', clients: ['db'] },
  ];
  const changed = { changes: 9, kinds: 2, isMore: true, clients: 6, newest };
  const { html } = fleetLead({ ...view, changed });
  assert.match(html, /<p class="changed">At least 9 changes .* and 2 more\)/);
  const shown = shownText({ html });
  const openssl = 'openssl 3.0.11 to 3.0.14 (web-1, web-2, web-3 and 2 more)';
  const line = `At least 9 changes on 6 clients in the last day: ${openssl}; /etc/<hosts> (db)`;
  assert.ok(shown.includes(line), shown);
  assert.ok(!shown.includes('and more'), 'both are named');
  assert.match(shownText(fleetLead({ ...view, changed: { ...changed, kinds: 3 } })), /\(db\); and more/);
  assert.ok(!shownText(fleetLead(view)).includes('in the last day'));
});

test('a bar has a title for each run of equal pieces', () => {
  const piece = (visits: number, succeeded: number, hour: number) => ({
    ...{ visits, succeeded },
    when: `0${hour}:00 to 0${hour + 1}:00`,
  });
  const { html } = availabilityBar(
    [piece(0, 0, 1), piece(4, 4, 2), piece(4, 4, 3), piece(4, 1, 4), piece(2, 0, 5)],
    'web-1',
  );
  assert.deepEqual(
    [...html.matchAll(/<title>([^<]*)/g)].map(([, title]) => title),
    [
      '01:00 to 02:00: no visit',
      '02:00 to 04:00: 8 of 8 visits answered',
      '04:00 to 05:00: 1 of 4 visits answered',
      '05:00 to 06:00: 0 of 2 visits answered',
    ],
  );
});

test('a bar of many runs has one title, and as few elements as classes', () => {
  const pieces = Array.from({ length: 30 }, (_, index) => ({
    visits: 4,
    succeeded: 4 - (index % 2),
    when: `${index} to ${index + 1}`,
  }));
  const { html } = availabilityBar(pieces, 'web-1');
  const lost = [23, 25, 27, 29].map((from) => `${from} to ${from + 1}: 3 of 4 visits answered`);
  const title = ['web-1: 105 of 120 visits answered in the last 24 hours', ...lost, 'and 11 more'].join('; ');
  assert.deepEqual(
    [...html.matchAll(/<title>([^<]*)/g)].map(([, words]) => words),
    [title],
  );
  assert.equal(html.split('<path').length - 1, 2);
});

test('the tree has bastions behind bastions, and machines on machines', () => {
  const config = load(`<alerts mail="ops@example.org"/><bastion name="gw-1" ip="192.0.2.1"/>
    <bastion name="gw-2" ip="192.0.2.2" proxyJump="gw-1"/>
    <client name="hv" ip="192.0.2.3" proxyJump="gw-2"/><client name="vm" ip="192.0.2.4" on="hv"/>
    <client name="alone" ip="192.0.2.5"/>`);
  const words = (nodes: ReturnType<typeof standTree>): string =>
    nodes.map(({ name, isBastion, below }) => `${name}${isBastion ? '*' : ''}(${words(below)})`).join(' ');
  assert.equal(words(standTree(config)), 'gw-1*(gw-2*(hv(vm())))');
});

test('headings of groups have ids of their own, whatever the names are', () => {
  const group = (...path: readonly string[]) => ({
    ...{ path, counts: [], total: 1, isFolded: true, serving: null, clients: [] },
  });
  const { html } = fleetView({ ...view, groups: [group('a', 'b'), group('a/b'), group('"', '<b>')] });
  const ids = [...html.matchAll(/ id="(group\/[^"]*)"/g)].map(([, id]) => id);
  assert.deepEqual(ids, ['group/a/b', 'group/a%2Fb', 'group/%22/%3Cb%3E']);
});

test('six alerts stand before the table, and those that somebody knows are folded', () => {
  const some = Array.from({ length: 9 }, (_, id) =>
    alertOf({ id, client: `web-${id}`, ...(id === 1 && { command: null }) }),
  );
  const { html } = fleetView({ ...view, alerts: some, openAlerts: 30, allAlerts: 30 });
  const [shown = '', folded = ''] = html.split('<details class="folded">');
  const clients = (part: string): readonly string[] =>
    [...part.matchAll(/href="\/c\/(web-\d)"/g)].map(([, name = '']) => name);
  assert.deepEqual(clients(shown), ['web-0', 'web-2', 'web-3', 'web-4', 'web-5', 'web-6']);
  assert.deepEqual(clients(folded), ['web-1', 'web-7', 'web-8']);
  assert.ok(shownText({ html }).includes('3 more, 1 acknowledged'));
  assert.match(html, /<a href="\/alerts">All 30 alerts<\/a>/);
});

test('a part of the fleet says how many alerts there are beside its own', () => {
  const none = shownText(fleetView({ ...view, allAlerts: 3 }));
  assert.ok(none.includes('None of these clients.') && none.includes('All 3 alerts of the fleet'), none);
  const more = shownText(fleetView({ ...view, alerts: [alertOf({})], openAlerts: 4, allAlerts: 9 }));
  assert.ok(more.includes('And 3 more of these clients. All 9 alerts of the fleet'), more);
});
