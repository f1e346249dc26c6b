/** Events, pushes and clients that are polled over HTTP on each database, with the built programs alone. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { databaseKinds, type Site } from '../end-to-end/support/whole-fleet.ts';
import { openEndpoint } from '../look/serve/support/event-endpoints.ts';
import { assertNoneLost } from '../look/serve/support/killed-endpoints.ts';
import { isLong } from '../support/long-tests.ts';
import { freePort } from '../support/servers/free-port.ts';
import { agentProgram, exits, runCli, startAgentProgram, succeeded } from '../support/programs/run-cli.ts';
import { times } from '../support/times.ts';
import { assertWithin } from '../support/within.ts';

const elements = `<collector every="1d" changes="no"/><alerts zone="UTC" defaults="no" mail="ops@example.org">
  <alert type="event" service="backup*" within="26h"/></alerts>`;

async function stored(site: Site, columns: string): Promise<readonly (readonly unknown[])[]> {
  return (await site.rows(`SELECT ${columns} FROM events ORDER BY id`)).map((row) => Object.values(row));
}

/** Waits until events are rows. While `serve` makes the tables, they are in its spool. */
async function untilStored(site: Site, count: number): Promise<void> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const rows = await stored(site, 'id').then(
      ({ length }) => length,
      () => 0,
    );
    if (rows >= count) return;
    assert.ok(performance.now() < endMs, `${rows} of ${count} events are rows`);
    await sleep(50);
  }
}

const event = (id: string, more: object = {}): string =>
  JSON.stringify({ host: 'nas', service: 'backup', status: 'OK', description: '', id, ...more });

/** Writes the agent.json of a client, with a folder of its own. Returns the file's path. */
async function enrolled(site: Site, client: string, ...to: readonly string[]): Promise<string> {
  const agent = JSON.parse(await succeeded(site.run('enroll', client, ...to))) as object;
  const place = path.join(site.dir, client);
  mkdirSync(place, { mode: 0o700 });
  const file = path.join(site.dir, `${client}.json`);
  writeFileSync(file, JSON.stringify({ ...agent, changes: 'no', state_directory: place }), { mode: 0o600 });
  return file;
}

/** Returns the number of events that a server has not stored yet. */
async function queued({ ask }: Pick<Awaited<ReturnType<typeof openEndpoint>>, 'ask'>): Promise<number> {
  const { message } = JSON.parse((await ask('/status')).body) as {
    readonly message: { readonly events_queue: number };
  };
  return message.events_queue;
}

suite('events, pushes and asked clients', () => {
  const kinds = databaseKinds(true, true);
  const [sqlite] = kinds;
  assert.ok(sqlite);

  for (const kind of kinds) {
    const options = { skip: kind.skip, timeout: 400_000 };

    test(`serve makes the tables, and events are rows, mails and a page (${kind.name})`, options, async (t) => {
      const site = await kind.site(t, elements);
      const { post, ask, port } = await openEndpoint(t, { parts: '<look/><events/>' }, site.dir);
      const texts = { instance: '\u{1f600}', description: "\u001b[2J'; DROP TABLE events; --" };
      for (const body of [event('a', texts), event('b'), event('b'), '{"Hello": "World"}', '5']) {
        assert.equal((await post(body)).status, 200);
      }
      const socket = createSocket('udp4');
      socket.send(event('udp', { status: 2, service: 'backup-home' }), port, '127.0.0.1', () => socket.close());
      await untilStored(site, 5);
      assert.deepEqual(await stored(site, 'host, service, instance, status, raw'), [
        ['nas', 'backup', '\u{1f600}', 'OK', null],
        ['nas', 'backup', '', 'OK', null],
        ['', '', '', null, '{"Hello": "World"}'],
        ['', '', '', null, '5'],
        ['nas', 'backup-home', '', 'CRIT', null],
      ]);
      const made = await site.run('--json', 'events', 'url', 'backup-laptop');
      const { url } = JSON.parse(made.stdout) as { readonly url: string };
      assert.equal((await ask(`${new URL(url).pathname}/fail`)).status, 200);
      assert.match((await ask('/events/newest')).body, /4 services heard of, 2 of them silent or not OK\./);
      assert.deepEqual((await ask('/ping')).body, 'OK\n');
      await site.run('alert');
      const notified = await site.run('alerts');
      for (const service of ['backup-home', 'backup-laptop']) assert.match(notified.stdout, new RegExp(service));
    });

    test(`events wait while the database does not answer, and outlive a kill (${kind.name})`, options, async (t) => {
      const site = await kind.site(t, elements);
      const first = await openEndpoint(t, {}, site.dir);
      assert.equal((await first.post(event('before'))).status, 200);
      await untilStored(site, 1);
      // The row may be there before its server has the answer to the COMMIT.
      while ((await queued(first)) > 0) await sleep(20);
      const release = site.block();
      try {
        for (const id of ['blocked-1', 'blocked-2']) assert.equal((await first.post(event(id))).status, 200);
        assert.equal(await queued(first), 2);
        await first.end('SIGKILL');
        const second = await openEndpoint(t, {}, site.dir);
        assert.equal((await second.post(event('blocked-3'))).status, 200);
        const startedAt = performance.now();
        assert.equal(await second.end(), 0);
        assertWithin(startedAt, 5_000);
      } finally {
        release();
      }
      const third = await openEndpoint(t, {}, site.dir);
      await untilStored(site, 4);
      assert.equal((await third.post(event('after'))).status, 200);
      await untilStored(site, 5);
      assert.deepEqual(
        (await stored(site, 'event_id')).flat(),
        ['before', 'blocked-1', 'blocked-2', 'blocked-3', 'after'].map((id) => `nas:${id}`),
      );
    });

    test(`no acknowledged event is missing or there twice after kills (${kind.name})`, options, async (t) => {
      // SQLite is tested with more events in test/look/serve/endpoints/.
      const site = await kind.site(t, elements);
      // A server that is killed early may not have made the tables.
      const first = await openEndpoint(t, {}, site.dir);
      await first.post(event('first'));
      await untilStored(site, 1);
      assert.equal(await first.end(), 0);
      await assertNoneLost(t, {
        ...{ dir: site.dir, wanted: kind.name === 'sqlite' ? 100 : isLong ? 5_000 : 150, posters: 32, longestMs: 900 },
        stored: async () => (await stored(site, 'description')).flat().map(String),
      });
    });

    test(`a push over HTTP and an answer over HTTP are rows after collect (${kind.name})`, options, async (t) => {
      const asked = await freePort();
      const site = await kind.site(
        t,
        `${elements}<client name="laptop-1" transport="push"/>
          <client name="web-1" transport="http" url="http://127.0.0.1:${asked}/"/>`,
      );
      const { port } = await openEndpoint(t, { parts: '<push/><events/>' }, site.dir);
      const pushing = await enrolled(site, 'laptop-1', '--https', `http://127.0.0.1:${port}/`);
      await startAgentProgram(t, ['-c', await enrolled(site, 'web-1'), 'spoke'], 'event=listening');
      for (const sent of ['2 reports sent\n', '1 report sent\n']) {
        assert.equal(await succeeded(runCli(['-c', pushing, 'push'], { program: agentProgram })), sent);
      }
      const { child: stays } = await startAgentProgram(
        t,
        ['-c', pushing, 'push', '--every', '10s'],
        'event=pushed acknowledged=1',
      );
      stays.kill('SIGTERM');
      assert.deepEqual(await once(stays, 'exit'), [0, null]);
      await succeeded(site.run('collect'));
      const rows = await site.rows('SELECT client, COUNT(*) AS reports FROM stats GROUP BY client ORDER BY client');
      assert.deepEqual(
        rows.map(({ client, reports }) => [client, reports]),
        [
          ['laptop-1', 3],
          ['web-1', 1],
        ],
      );
      const visits = await site.rows('SELECT client, reader, ok FROM visits ORDER BY client, id');
      assert.deepEqual(
        visits.map(({ client, reader, ok }) => `${String(client)} ${String(reader)} ${ok === 1 ? 'ok' : 'failed'}`),
        [...times(4, () => 'laptop-1 push ok'), 'web-1 spoke ok'],
      );
    });
  }

  test('a visit brings what a push could not send, with one spool for both', { timeout: 400_000 }, async (t) => {
    const site = await sqlite.site(t, `${elements}<client name="web-1" transport="push"/>`);
    const { port } = await openEndpoint(t, { parts: '<push/>' }, site.dir);
    const away = JSON.parse(await succeeded(site.run('enroll', 'web-1', '--https', 'http://127.0.0.1:1/'))) as object;
    const file = path.join(site.dir, 'web-1.json');
    const write = (to: string): void =>
      writeFileSync(file, JSON.stringify({ ...away, changes: 'no', push: { to, every: '5m' } }), { mode: 0o600 });
    // The account's own folder, which visits search as well.
    const env = { XDG_STATE_HOME: path.join(site.dir, 'home') };
    const push = () => runCli(['-c', file, 'push', '--once'], { program: agentProgram, env });
    const reports = async (): Promise<unknown> => (await site.rows('SELECT COUNT(*) AS reports FROM stats'))[0];
    write('http://127.0.0.1:1/');
    await exits(1, push(), /1 report is kept/);
    const serve = `<serve port="${port}"><push/></serve>`;
    const visited = '<ssh transport="local"/><client name="web-1" ip="127.0.0.1"/>';
    site.configure(`${elements}${visited}${serve}`);
    await succeeded(runCli(['collect'], { cwd: site.dir, env }));
    assert.deepEqual({ ...((await reports()) as object) }, { reports: 2 });
    await exits(1, push(), /1 report is kept/);
    site.configure(`${elements}<client name="web-1" transport="push"/>${serve}`);
    write(`http://127.0.0.1:${port}/`);
    assert.equal(await succeeded(push()), '3 reports sent\n', 'the kept one, its own and the inventory');
    await succeeded(site.run('collect'));
    assert.deepEqual({ ...((await reports()) as object) }, { reports: 4 });
  });
});
