import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';

import { alertFolder, ended, firing } from '../../cli/support/stored-alerts.ts';
import { isWide } from '../../support/long-tests.ts';
import { type Answer, type Served, serveFolder, servedFleet } from './support/served-fleet.ts';

const onlyWide = { skip: !isWide && 'starts another server' };

describe('a server of two clients', () => {
  let served: Served;
  const closing: (() => unknown)[] = [];
  const t = { after: (end: () => unknown) => closing.push(end) } as unknown as TestContext;
  before(async () => {
    served = await servedFleet(t, { parts: '<look/><metrics/>' });
  });
  after(async () => {
    for (const end of closing.reverse()) await end();
  });

  const pages: readonly (readonly [path: string, shows: RegExp])[] = [
    ['/', /<ul class="states"><li><a href="\/">2 clients<\/a>/],
    ['/', /<code translate="no">fleet-health ack 1<\/code>/],
    ['/', /<tr id="web-1" class="critical"[^]*<tr id="db"/],
    ['/?q=DB', /1 client, the worst first/],
    ['/?q=nobody', /No client is like that\./],
    ['/?state=critical', /<tr id="web-1"/],
    ['/?sort=name', /<tr id="db"[^]*<tr id="web-1"/],
    ['/?sort=name', /<th scope="col" aria-sort="ascending">/],
    ['/?from=1', /2 to 2 of 2 clients/],
    ['/?from=-1&sort=%00&state=x', /2 clients, the worst first/],
    ['/alerts', /<a href="\/alerts\/1" translate="no"><b>disk \/var<\/b><\/a>/],
    ['/alerts/1', /Alert 1 \(\/var\) fires as critical since/],
    ['/alerts/1', /<code translate="no">fleet-health explain web-1 disk<\/code>/],
    ['/runs', /<td>collect<\/td><td>finished<\/td>/],
    ['/c/web-1', /<script type="text\/plain" class="history" data-client="web-1">/],
    ['/c/web-1', /<h2 id="checks">Checks<\/h2>\n<p class="count">2 checks, 1 of them not OK\.<\/p>/],
    [
      '/c/web-1',
      /<tr class="critical"><td><span class="mark">critical<\/span>.*mailq.*<td>1h<\/td>.*210 &lt;b&gt;unsent/,
    ],
    ['/c/web-1', /<td class="wide">unsent 210<\/td>[^]*<tr class="fine">.*>apt</],
    ['/c/web-1', /<h2 id="logs">Log lines<\/h2>\n<p class="count">The newest one\./],
    ['/c/web-1', /<td class="wide">err<\/td>.*>sshd<.*error: &lt;b&gt;kex&lt;\/b&gt; failed<\/span> .*\(2 times\)/],
    ['/c/db', /^(?!.*<h2 id="logs">)/s],
    ['/report', /<template class="logs" data-client="web-1">/],
    ['/c/web-1?since=7d', /<a href="\?since=7d" aria-current="true">7d<\/a>/],
    ['/report', /<meta http-equiv="Content-Security-Policy"/],
    ['/report?client=web-*', /<h1>web-\*<\/h1>/],
  ];
  for (const [path, shows] of pages) {
    test(`${path} shows ${shows.source}`, async () => {
      const { status, headers, body } = await served.ask(path);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'text/html; charset=UTF-8');
      assert.match(body, shows);
    });
  }

  test('the documents are those of the commands, and the series of a client', async () => {
    const ask = async (path: string): Promise<Record<string, unknown>> =>
      JSON.parse((await served.ask(path)).body) as Record<string, unknown>;
    const command = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await served.run('--json', ...args)).stdout) as Record<string, unknown>;
    const timeless = (document: Record<string, unknown>): string =>
      JSON.stringify({ ...document, at: null }).replace(/"report_age_s":\d+/g, '');
    assert.equal(timeless(await ask('/api/v1/status')), timeless(await command('status')));
    assert.equal(timeless(await ask('/api/v1/alerts')), timeless(await command('alerts')));
    assert.equal(((await ask('/api/v1/status?client=web-*'))['clients'] as unknown[]).length, 1);
    const { clients, unlisted, total, matching, counts } = await ask('/api/v1/status?limit=1');
    const names = (clients as { client: string }[]).map(({ client }) => client);
    assert.deepEqual({ names, unlisted, total, matching }, { names: ['web-1'], unlisted: 0, total: 2, matching: 2 });
    assert.deepEqual(counts, { critical: 1, warning: 0, failing: 0, late: 1, fine: 0, new: 0, paused: 0 });
    const found = await ask('/api/v1/status?limit=200&q=DB&sort=name');
    assert.deepEqual([found['total'], found['matching'], (found['clients'] as unknown[]).length], [2, 1, 1]);
    const series = await ask('/api/v1/clients/db/series?since=24h');
    const [first] = series['series'] as { group: string; values: (number | null)[] }[];
    assert.deepEqual(
      { client: series['client'], group: first?.group, values: first?.values.length },
      { client: 'db', group: 'cpu', values: series['points'] },
    );
    // The oldest report may be at the very beginning of the span.
    const known = first?.values.filter((value) => value === 12.5).length ?? 0;
    assert.ok(known === 23 || known === 24, String(known));
  });

  const refusals: readonly { readonly path: string; readonly status: number; readonly body: RegExp }[] = [
    { path: '/nothing', status: 404, body: /There is no such page/ },
    { path: '/c/web-2', status: 404, body: /no such client/ },
    { path: '/c/%00', status: 404, body: /no such client/ },
    { path: '/c/web-1?since=ever', status: 400, body: /since=ever is no span/ },
    { path: '/alerts/2', status: 404, body: /no such client or alert/ },
    { path: '/alerts/x', status: 404, body: /There is no such page/ },
    { path: '/report?client=web-2', status: 400, body: /there is no client/ },
    { path: '/api/v1/clients/web-2/series', status: 404, body: /"code":"usage"/ },
    { path: '/api/v1/clients/web-1/series?since=1s', status: 400, body: /"code":"usage"/ },
    { path: '/api/v1/status?client=web-2', status: 400, body: /"code":"usage"/ },
    { path: '/api/v1/status?limit=0', status: 400, body: /limit=0 is no number of clients/ },
    { path: '/api/v1/alerts?client=web-2', status: 400, body: /"code":"usage"/ },
    { path: '/api/v1/../../etc/passwd', status: 404, body: /There is no such page/ },
    { path: `/?q=${'x'.repeat(2_100)}`, status: 414, body: /too long/ },
  ];
  for (const { path, status, body } of refusals) {
    test(`${path.slice(0, 50)} is answered with ${status}`, async () => {
      const answer = await served.ask(path);
      assert.equal(answer.status, status);
      assert.match(answer.body, body);
    });
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND']) {
    test(`${method} is refused`, async () => {
      const { status, headers } = await served.ask('/', { method });
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
    });
  }

  test('a request with a body is refused', async () => {
    assert.equal((await served.ask('/', { headers: { 'content-length': '2' }, body: '{}' })).status, 400);
  });

  test('HEAD has the status and headers of GET, and no body', async () => {
    for (const path of ['/', '/ping', '/alerts/1', '/api/v1/status', '/nothing']) {
      const [head, get] = [await served.ask(path, { method: 'HEAD' }), await served.ask(path)];
      assert.deepEqual([head.status, head.body], [get.status, ''], path);
      assert.equal(head.headers['content-type'], get.headers['content-type'], path);
    }
  });

  const wide = (answer: Answer): readonly unknown[] =>
    ['cache-control', 'referrer-policy', 'x-content-type-options', 'x-frame-options'].map(
      (name) => answer.headers[name],
    );
  test('every answer has a strict policy, and data is kept nowhere', async () => {
    for (const path of ['/', '/alerts', '/api/v1/status', '/c/web-1', '/c/none']) {
      const answer = await served.ask(path);
      assert.deepEqual(wide(answer), ['no-store', 'no-referrer', 'nosniff', 'DENY'], path);
      const policy = String(answer.headers['content-security-policy']);
      assert.match(policy, /^default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'/);
      assert.doesNotMatch(policy, /unsafe|\*/);
    }
    assert.match(
      String((await served.ask('/report')).headers['content-security-policy']),
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'/,
    );
  });

  test('style and program have names of their content, and may be kept', async () => {
    const { body } = await served.ask('/');
    const paths = [...body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    assert.equal(paths.length, 2);
    for (const path of paths) {
      const { status, headers } = await served.ask(path);
      assert.deepEqual([status, headers['cache-control']], [200, 'private, max-age=31536000, immutable']);
    }
    assert.doesNotMatch(body, /<style|<script>|style="|https?:\/\//);
  });

  test('answers are compressed, and one that is known is not sent again', async () => {
    const packed = await served.ask('/api/v1/alerts?client=web-1', { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(
      (await served.ask('/', { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding'],
      'gzip',
    );
    const etag = String((await served.ask('/runs')).headers.etag);
    const again = await served.ask('/runs', { headers: { 'if-none-match': etag } });
    assert.equal(packed.status, 200);
    assert.deepEqual({ status: again.status, body: again.body }, { status: 304, body: '' });
  });

  test('a pattern that would keep others waiting is refused', async () => {
    const slow = encodeURIComponent(`${'*?'.repeat(12)}!`);
    const many = Array.from({ length: 33 }, () => 'client=w*').join('&');
    for (const query of [`client=${slow}`, `group=${slow}`, `client=${encodeURIComponent('{a,?}'.repeat(4))}`, many]) {
      assert.equal((await served.ask(`/api/v1/status?${query}`)).status, 400, query);
    }
    assert.equal((await served.ask(`/api/v1/alerts?client=${slow}`)).status, 400);
    assert.equal((await served.ask(`/report?client=${slow}`)).status, 400);
    assert.equal((await served.ask('/api/v1/status?client=*e*-*')).status, 200);
  });

  test('metrics are text, or OpenMetrics for who accepts it', async () => {
    const text = await served.ask('/metrics');
    assert.match(text.body, /^fleet_health_client_up\{client="web-1"[^}]*\} [01]$/m);
    const open = await served.ask('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
    assert.match(String(open.headers['content-type']), /^application\/openmetrics-text/);
    assert.match(open.body, /# EOF\n$/);
  });
});

test('a fleet of 450 clients is shown 200 at a time, the worst first, each client once', onlyWide, async (t) => {
  const names = Array.from({ length: 450 }, (_, index) => `web-${index}`);
  const clients = names.map((name) => `<client name="${name}" ip="192.0.2.1"/>`).join('');
  const client = 'web-449';
  const warning = firing({ client, severity: 'warning', subject: '/early' });
  const alerts = [warning, firing({ client }), ended({ client, subject: '/ended' })];
  const { dir, ran } = await alertFolder(t, { config: `<config>${clients}</config>`, alerts });
  await ran({});
  const { ask } = await serveFolder(t, dir, {});
  const shown: string[][] = [];
  for (let next: string | undefined = '/'; next !== undefined && shown.length < 5;) {
    const { status, body } = await ask(next);
    assert.deepEqual([status, body.includes('<a href="/">450 clients</a>')], [200, true], next);
    shown.push([...body.matchAll(/<tr id="([^"]*)"/g)].map(([, name = '']) => name));
    next = /<a id="more" href="([^"]*)">/.exec(body)?.[1];
  }
  assert.deepEqual(
    shown.map(({ length }) => length),
    [200, 200, 50],
  );
  assert.equal(shown[0]?.[0], 'web-449');
  assert.deepEqual(shown.flat().sort(), [...names].sort());
  const [first, rest] = [await ask('/?sort=name'), await ask('/?sort=name&from=200')];
  assert.match(first.body, /1 to 200 of 450 clients, by name\.[^]*href="\/\?sort=name&amp;from=200">250 clients more</);
  assert.match(rest.body, /201 to 400 of 450 clients, by name\./);
  assert.match((await ask('/c/web-449')).body, /2 firing, 0 pending[^]*<b>disk \/var<\/b>[^]*<b>disk \/early<\/b>/);
  const over = (await ask('/alerts/3')).body;
  assert.match(over, /<span class="mark">ended<\/span>/);
  assert.doesNotMatch(over, /fleet-health ack|firing since/);
});

test('the parts that <serve> does not name are off, and /ping is there', async (t) => {
  const { ask } = await servedFleet(t, { parts: '', elements: '<collector every="1d"/>' });
  for (const path of ['/', '/alerts', '/api/v1/status', '/metrics', '/live', '/report']) {
    assert.equal((await ask(path)).status, 404, path);
  }
  const { status, body } = await ask('/ping');
  assert.deepEqual([status, body], [200, 'OK\n']);
});

test('without <serve> the command says what to write', onlyWide, async (t) => {
  const { run } = await servedFleet(t);
  const { status, stderr } = await run('serve', '--idle-exit', 'soon');
  assert.equal(status, 2);
  assert.match(stderr, /--idle-exit "soon" is no time/);
});

test('the first page has a line of each site, five at most', onlyWide, async (t) => {
  const group = (site: string): string =>
    `<group transport="forward" labels="site=${site}"><client name="${site}-web" ip="192.0.2.7"/></group>`;
  const elements = ['s1', 's2', 's3', 's4', 's5', 's6'].map(group).join('');
  const { ask } = await servedFleet(t, { elements });
  const { body } = await ask('/');
  assert.match(body, /<p>Site s1: no run has come yet\.<\/p>[^]*<p>Site s5: [^]*<ul class="states">/);
  assert.doesNotMatch(body, /Site s6/);
  assert.match(body, /<a href="\/runs">All 6 sites<\/a>/);
  assert.match((await ask('/runs')).body, /<p>Site s6: no run has come yet\.<\/p>/);
});
