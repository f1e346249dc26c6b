/** The button on the page of an alert: who may press it, from which pages, and what it changes. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';

import type { ServeConfig } from '../../../../src/config/config.ts';
import { alertRoute, viewerNamer } from '../../../../src/look/serve/endpoints/alert-route.ts';
import { visitorReader } from '../../../../src/look/serve/visitor.ts';
import { StorageFault, type FaultKind } from '../../../../src/storage/sql/fault.ts';
import { alertFolder, ended, firing } from '../../../cli/support/stored-alerts.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';
import { ask, type AskOptions, serveFolder } from '../support/served-fleet.ts';

const host = 'fleet.example.org';
const [proxy, far] = ['10.0.0.1', '198.51.100.7'];

interface Pressed {
  readonly headers: Readonly<Record<string, string>>;
  readonly peer?: string;
  readonly url?: string;
  readonly prefix?: string;
  readonly tls?: ServeConfig['tls'];
  /** The fault of the database. */
  readonly fault?: Error;
}

/** Presses the button. Returns who acknowledged, or the status and the sentence of the refusal. */
async function press({ headers, peer = proxy, url, prefix = '', tls = null, fault }: Pressed): Promise<string> {
  const serve = { trustedProxies: [proxy], userHeader: 'x-user', tls } as unknown as ServeConfig;
  const visitorOf = visitorReader(serve);
  const by: string[] = [];
  const route = alertRoute({
    look: { zone: () => null, hasEvents: false, prefix, onFault: (thrown) => assert.equal(thrown, fault) },
    database: {
      acknowledge: (_id, shown) => {
        if (fault !== undefined) return Promise.reject(fault);
        by.push(shown.by);
        return Promise.resolve('acknowledged');
      },
      takeBack: () => assert.fail('nobody takes it back'),
    },
    nameOf: viewerNamer(visitorOf, (token) => (token === 'look' ? 'anna' : null)),
    ...{ visitorOf, url: url ?? null, onAnswered: () => undefined, page: () => assert.fail('a page was asked') },
  });
  const request = { method: 'POST', headers: { host, ...headers }, socket: { remoteAddress: peer } };
  const incoming = Object.assign(Readable.from([Buffer.from('line=ack&severity=critical')]), request);
  const answer = await route.answer({
    incoming: incoming as unknown as IncomingMessage,
    ...{ outgoing: {} as ServerResponse, parts: { id: '7' }, query: new URLSearchParams() },
  });
  if (answer?.status === 303) return `${by.join()} ${answer.headers['Location'] ?? ''}`;
  assert.deepEqual(by, []);
  return `${answer?.status ?? 0} ${/<p>([^<]*)/.exec(String(answer?.body).split('<main')[1] ?? '')?.[1] ?? ''}`;
}

const own = { origin: `https://${host}` };
const xfh = 'x-forwarded-host';
const [done, foreign] = [
  /^kim \/alerts\/7$/,
  /^403 This form does not come from a page of this server\. If it does: the proxy in front /,
];

const origins: readonly (readonly [name: string, headers: Record<string, string>, says: RegExp, url?: string])[] = [
  ['the same origin', { 'sec-fetch-site': 'same-origin' }, done],
  ['the same origin, though a proxy changed Host', { 'sec-fetch-site': 'same-origin', origin: 'http://x' }, done],
  ['the address bar', { 'sec-fetch-site': 'none' }, done],
  ['a page of the same site', { 'sec-fetch-site': 'same-site', ...own }, foreign],
  ['a page of another site', { 'sec-fetch-site': 'cross-site' }, foreign],
  ['a page of another site that names this origin', { 'sec-fetch-site': 'cross-site', ...own }, foreign],
  ['two sites', { 'sec-fetch-site': 'same-origin, cross-site', ...own }, foreign],
  ['nobody knows where', {}, foreign],
  ['nobody knows where, with empty headers', { 'sec-fetch-site': '', origin: '' }, foreign],
  ['an origin that is the host', own, done],
  ['an origin, after an empty header', { 'sec-fetch-site': '', ...own }, done],
  ['an origin by HTTP', { origin: `http://${host}` }, done],
  ['an origin that is the host in capitals', { ...own, host: host.toUpperCase() }, done],
  ['an origin whose usual port the host names', { ...own, host: `${host}:443` }, done],
  ['an origin with the port of the host', { origin: `https://${host}:8443`, host: `${host}:8443` }, done],
  ['an origin of IPv6', { origin: 'http://[2001:db8::1]:5151', host: '[2001:db8::1]:5151' }, done],
  ['another port', { origin: `https://${host}:8443` }, foreign],
  ['a hidden origin', { origin: 'null' }, foreign],
  ['another host', { origin: 'https://evil.test' }, foreign],
  ['a host that begins like this one', { origin: `https://${host}.evil.test` }, foreign],
  ['a host with this one as a user', { origin: `https://${host}@evil.test` }, foreign],
  ['a file', { origin: 'file://', host: '' }, foreign],
  ['no host', { origin: 'https://x', host: '' }, foreign],
  ['an origin that is no address', { origin: 'https://', host: '' }, foreign],
  ['the host that the proxy was asked for', { ...own, host: 'backend:5151', [xfh]: host }, done],
  ['the first of two such hosts', { ...own, host: 'backend', [xfh]: `${host}, inner` }, done],
  ['none of such hosts', { ...own, host: 'backend', [xfh]: 'inner' }, foreign],
  ['the address of config.xml', { ...own, host: 'backend' }, done, `https://${host}/`],
  ['the address of config.xml by HTTP', { origin: `http://${host}`, host: 'backend' }, foreign, `https://${host}/`],
];
for (const [name, headers, says, url] of origins) {
  test(`a form from ${name} is ${says === done ? 'taken' : 'refused'}`, async () => {
    assert.match(
      await press({ headers: { 'x-user': 'kim', ...headers }, ...(url === undefined ? {} : { url }) }),
      says,
    );
  });
}

test('after a form below a prefix a browser asks for the page there', async () => {
  assert.equal(await press({ headers: { 'x-user': 'kim', ...own }, prefix: '/fleet' }), 'kim /fleet/alerts/7');
});

test('a host that a visitor names in the place of a proxy does not count', async () => {
  const headers = { ...own, authorization: 'Bearer look', host: 'backend', [xfh]: host };
  assert.match(await press({ headers, peer: '127.0.0.1' }), foreign);
});

const basic = `Basic ${Buffer.from('any:look').toString('base64')}`;
const nameless = /^403 Nobody vouches for your name\..*tokens add NAME/;
const names: readonly (readonly [name: string, pressed: Pressed, says: RegExp])[] = [
  ['whom the proxy names', { headers: { 'x-user': 'kim' } }, done],
  ['with a token behind the proxy', { headers: { authorization: basic } }, /^anna /],
  ['with both', { headers: { 'x-user': 'kim', authorization: basic } }, done],
  ['with a token over TLS', { headers: { authorization: basic }, peer: far, tls: { cert: '/c', key: '/k' } }, /^anna /],
  ['with a token on this machine', { headers: { authorization: 'Bearer look' }, peer: '127.0.0.1' }, /^anna /],
  ['with a token in clear', { headers: { authorization: basic }, peer: far }, nameless],
  ['with a token for something else', { headers: { authorization: 'Bearer metrics' } }, nameless],
  ['on this machine', { headers: {}, peer: '127.0.0.1' }, nameless],
  ['whom the proxy does not name', { headers: { 'x-user': '' } }, nameless],
  ['who names himself', { headers: { 'x-user': 'kim' }, peer: '127.0.0.1' }, nameless],
];
for (const [name, { headers, ...pressed }, says] of names) {
  test(`somebody ${name} is ${says === nameless ? 'refused' : 'named'}`, async () => {
    assert.match(await press({ ...pressed, headers: { 'sec-fetch-site': 'same-origin', ...headers } }), says);
  });
}

const faults: readonly (readonly [kind: FaultKind, says: RegExp])[] = [
  ['denied', /^503 This server may not write to the database; its log says what is missing\.$/],
  ['read-only', /^503 This server may not write/],
  ['lost', /^503 The database did not store it; .* Try again in a minute\.$/],
];
for (const [kind, says] of faults) {
  test(`a database that is ${kind} is no reason to try again that does not help`, async () => {
    const headers = { 'x-user': 'kim', 'sec-fetch-site': 'same-origin' };
    assert.match(await press({ headers, fault: new StorageFault(kind, 'UPDATE command denied') }), says);
  });
}

const config = '<config><client name="web-1" ip="192.0.2.1"/></config>';
const form = (body: string, headers: Record<string, string>): AskOptions => ({
  method: 'POST',
  headers: { 'Content-Length': String(Buffer.byteLength(body)), 'Sec-Fetch-Site': 'same-origin', ...headers },
  body,
});

async function served(t: TestContext) {
  const alerts = [firing({ severity: 'critical' }), ended({ subject: '/old' })];
  const folder = await alertFolder(t, { config, alerts });
  const anna = { authorization: `Bearer ${(await folder.said('tokens', 'add', 'anna')).trim()}` };
  const { port, log } = await serveFolder(t, folder.dir, { parts: '<look acknowledge="yes"/>' });
  const acknowledged = (): readonly unknown[] => {
    const database = openBeside(path.join(folder.dir, 'state', 'fleet.db'));
    const columns = 'id, acknowledged_by, acknowledged_until IS NOT NULL AS is_limited, acknowledged_comment';
    const rows = database.prepare(`SELECT ${columns} FROM alerts WHERE acknowledged_by IS NOT NULL`).all();
    database.close();
    return rows.map((row) => Object.values(row as Record<string, unknown>));
  };
  return { ask: (at: string, options?: AskOptions) => ask(port, at, options), anna, log, acknowledged };
}

describe('a server whose viewers may acknowledge', () => {
  let server: Awaited<ReturnType<typeof served>>;
  const closing: (() => unknown)[] = [];
  before(async () => {
    server = await served({ after: (end: () => unknown) => closing.push(end) } as unknown as TestContext);
    // A busy machine may start the process of pages for longer than a viewer waits.
    while ((await server.ask('/alerts/1')).status === 503);
  });
  after(async () => {
    for (const end of closing.reverse()) await end();
  });

  test('shows the button to viewers with a name, beside others at the same time, and changes nothing', async () => {
    const at = '/alerts/1?line=ack&severity=critical';
    const viewers = [{}, server.anna, {}, server.anna, {}, server.anna];
    const pages = await Promise.all(viewers.map((headers) => server.ask(at, { headers })));
    assert.deepEqual(
      pages.map(({ status, body, headers }) => [
        status,
        body.includes('<form class="answer"'),
        headers['referrer-policy'],
      ]),
      viewers.map((headers) => ('authorization' in headers ? [200, true, 'same-origin'] : [200, false, 'no-referrer'])),
    );
    assert.doesNotMatch((await server.ask('/alerts/2', { headers: server.anna })).body, /<form class="answer"/);
    assert.deepEqual(server.acknowledged(), []);
  });

  const good = 'line=ack&severity=critical';
  const refused: readonly (readonly [name: string, at: string, body: string, says: RegExp, more?: object])[] = [
    ['of an alert that became critical', '/alerts/1', 'line=ack&severity=warning', /^409 .*has become critical since/s],
    ['of an alert that has ended', '/alerts/2', good, /^409 .*The alert has ended\./s],
    ['of an alert that never was', '/alerts/99', good, /^404 .*There is no such alert\./s],
    ['without anything', '/alerts/1', '', /^400 .*This form has no answer\./s],
    ['without a severity', '/alerts/1', 'line=ack', /^400 /],
    ['of another severity', '/alerts/1', 'line=ack&severity=none', /^400 /],
    ['that silences', '/alerts/1', 'line=silence+1d&severity=critical', /^400 /],
    ['for no time', '/alerts/1', 'line=ack+0h&severity=critical', /^400 /],
    ['of too many bytes', '/alerts/1', `${good}&comment=${'x'.repeat(1000)}`, /^413 A form has at most 1024 bytes/],
    ['of another site', '/alerts/1', good, /^403 .*does not come from a page/s, { 'Sec-Fetch-Site': 'cross-site' }],
    ['of nobody', '/alerts/1', good, /^403 .*Nobody vouches/s, { authorization: '' }],
    ['of a wrong token', '/alerts/1', good, /^403 .*Nobody vouches/s, { authorization: 'Bearer x' }],
  ];
  for (const [name, at, body, says, more] of refused) {
    test(`a form ${name} acknowledges nothing`, async () => {
      const answer = await server.ask(at, form(body, { ...server.anna, ...more }));
      assert.match(`${answer.status} ${answer.body}`, says);
      assert.deepEqual(server.acknowledged(), []);
    });
  }

  test('a form without a Content-Length, and one to another page, are refused', async () => {
    const chunked = { 'Transfer-Encoding': 'chunked', 'Sec-Fetch-Site': 'same-origin', ...server.anna };
    assert.equal((await server.ask('/alerts/1', { method: 'POST', headers: chunked, body: good })).status, 411);
    assert.equal((await server.ask('/alerts', form(good, server.anna))).status, 405);
    assert.deepEqual(server.acknowledged(), []);
  });

  test('acknowledges an alert, once however often the form comes, and takes it back', async () => {
    const body = 'line=ack+4h&severity=critical&comment=on+it%0Anow';
    for (let time = 0; time < 2; time += 1) {
      const { status, headers } = await server.ask('/alerts/1', form(body, server.anna));
      assert.deepEqual([status, headers.location], [303, '/alerts/1']);
      assert.deepEqual(server.acknowledged(), [[1, 'anna', 1, 'on it now']]);
    }
    assert.match(server.log(), /event=acknowledged by=anna answer="ack 4h" alerts=1 alert=1/);
    const page = await server.ask('/alerts/1', { headers: server.anna });
    assert.match(page.body, /acknowledged by anna until/);
    assert.match(page.body, /<button type="submit" name="line" value="unack">/);
    assert.doesNotMatch((await server.ask('/alerts/1')).body, /<form class="answer"/);
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await server.ask('/alerts/1', form('line=unack', server.anna))).status, 303);
      assert.deepEqual(server.acknowledged(), []);
    }
    assert.match(server.log(), /event=unacknowledged by=anna/);
  });
});
