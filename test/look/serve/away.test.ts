// Second tier: waits for what a running server notices.
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { renameSync, writeFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { alertFolder, firing } from '../../cli/support/stored-alerts.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { item, runEnd, runStart } from '../../storage/support/samples.ts';
import { skipWithoutMariadb, startMariadb } from '../../support/databases/mariadb.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { until } from '../../support/until.ts';
import { serveFolder, servedFleet } from './support/served-fleet.ts';
import { assertWithin } from '../../support/within.ts';

test('names of clients and words of messages are text wherever they stand', async (t) => {
  const name = '</script><img src=x onerror=alert(1)>"\'';
  const attribute = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const { dir } = await alertFolder(t, {
    config: `<config><client name="${attribute}" ip="192.0.2.1"/></config>`,
    alerts: [firing({ client: name, subject: '/<b>&"\u202e' })],
  });
  const { ask } = await serveFolder(t, dir, {});
  for (const where of [
    '/',
    '/alerts',
    '/alerts/1',
    `/c/${encodeURIComponent(name)}`,
    `/?q=${encodeURIComponent(name)}`,
  ]) {
    const { status, body } = await ask(where);
    assert.equal(status, 200, where);
    assert.doesNotMatch(body, /<img|\u202e|\/<b>&"/, where);
  }
});

test('before the first run every page says what to do, and the first run is shown without a restart', async (t) => {
  const dir = configFolder(t, '<config><client ip="192.0.2.1"/></config>');
  const { ask } = await serveFolder(t, dir, {});
  const first = await ask('/');
  assert.deepEqual([first.status, /<b>Next:<\/b> Compare/.test(first.body)], [200, true]);
  assert.deepEqual((await ask('/alerts')).status, 503);
  assert.equal((await ask('/api/v1/status')).status, 503);
  assert.equal((await runCli(['migrate'], { cwd: dir })).status, 0);
  assert.equal((await ask('/')).status, 200);
});

test('while the database is away a page stands as it was, and others are 503; then all are there again', async (t) => {
  const { dir, ask, log } = await servedFleet(t);
  const file = path.join(dir, 'state', 'fleet.db');
  const before = await ask('/');
  for (const ending of ['', '-wal', '-shm']) renameSync(`${file}${ending}`, `${file}.kept${ending}`);
  writeFileSync(file, 'this is no database'.repeat(1_000));
  await sleep(100);
  const during = await ask('/');
  assert.equal(during.status, 200);
  assert.match(during.body, /role="alert">The database has been away since \d\d:\d\d\. This is of \d\d:\d\d\./);
  assert.match(during.body, /<tr id="web-1"/);
  assert.doesNotMatch(before.body, /been away/);
  const fresh = await ask('/alerts');
  assert.deepEqual([fresh.status, fresh.headers['retry-after']], [503, '30']);
  assert.match(fresh.body, /The database is away/);
  const document = await ask('/api/v1/status');
  assert.equal(document.status, 503);
  assert.match(document.body, /^\{"error":\{"code":"storage-/);
  for (const ending of ['', '-wal', '-shm']) renameSync(`${file}.kept${ending}`, `${file}${ending}`);
  await sleep(2_500);
  assert.doesNotMatch((await ask('/')).body, /been away/);
  await until(() => /event=database-away code=storage-\w+[^]*event=database-back away_s=\d/.test(log()), log);
});

test('a run that finishes is one small event, and the page that is asked for then shows it', async (t) => {
  const { dir, port, ask, end } = await servedFleet(t);
  assert.match((await ask('/c/db')).body, /13 %/);
  let heard = '';
  get({ port, path: '/live', host: '127.0.0.1' }, (response) => {
    assert.equal(response.headers['content-type'], 'text/event-stream');
    response.setEncoding('utf8').on('data', (text: string) => (heard += text));
    response.on('error', () => undefined);
  });
  await sleep(2_500);
  const storage = await openStorage({
    storage: loadConfig({ file: path.join(dir, 'config.xml') }).storage,
    migrate: true,
  });
  const start = runStart({ startedAtMs: Date.now() - 1_000 });
  await storage.reports.startRun(start);
  await storage.reports.ingest([item({ client: 'db', observedAtMs: Date.now() - 500 })]);
  await storage.reports.endRun(start, { ...runEnd(start), finishedAtMs: Date.now() });
  await storage.close();
  for (let waited = 0; !heard.includes('event: run') && waited < 100; waited += 1) await sleep(100);
  assert.match(heard, /event: run\ndata: \{"program":"collect","finished_at":"[^"]+"\}\n\n/);
  assert.match((await ask('/?q=db')).body, /<td>[0-9]s<\/td>/);
  const began = performance.now();
  assert.equal(await end(), 0);
  assertWithin(began, 5_000, 'somebody who listens does not keep the server');
});

test('a client that joins config.xml is shown; a file that cannot be used is reported on the page', async (t) => {
  const { dir, ask } = await servedFleet(t);
  const file = path.join(dir, 'config.xml');
  const text = readFileSync(file, 'utf8');
  await sleep(5_100);
  writeFileSync(file, text.replace('</config>', '<client name="new-1" ip="192.0.2.9"/></config>'));
  await ask('/alerts');
  assert.match((await ask('/c/new-1')).body, /no such client|<h1>new-1/);
  await sleep(5_100);
  writeFileSync(file, '<config><cleint/></config>');
  await ask('/runs');
  assert.match((await ask('/runs')).body, /role="alert">config\.xml cannot be used since it was changed/);
  for (let waited = 0; waited < 60; waited += 1) {
    if (/<h1>new-1/.test((await ask('/c/new-1')).body)) return;
    await sleep(250);
  }
  assert.fail('the new client is not shown');
});

describe('on a server', { skip: skipWithoutMariadb }, () => {
  test('SELECT is enough, nothing is written, and a server that stops and comes back is no end', async (t) => {
    const mariadb = await startMariadb();
    t.after(() => mariadb.stop());
    const { url, name, storage } = await mariadb.createDatabase();
    const { password } = storage;
    const clients = '<client name="here" ip="127.0.0.1" transport="local"/>';
    const dir = configFolder(
      t,
      `<config><storage url="${url}" password="${password?.reveal() ?? ''}"/>${clients}</config>`,
    );
    assert.equal((await runCli(['collect'], { cwd: dir })).status, 0);
    await mariadb.asRoot("CREATE USER looker IDENTIFIED BY 'secret'", `GRANT SELECT ON ${name}.* TO looker`);
    const readUrl = `mysql://looker@127.0.0.1:${mariadb.port}/${name}`;
    writeFileSync(
      path.join(dir, 'config.xml'),
      `<config><storage url="${readUrl}" password="secret" migrate="no"/>${clients}</config>`,
    );
    const { ask, log } = await serveFolder(t, dir, { parts: '<look/><metrics/>' });
    for (const where of [
      '/',
      '/alerts',
      '/runs',
      '/c/here',
      '/report',
      '/api/v1/status',
      '/api/v1/clients/here/series',
      '/metrics',
    ]) {
      assert.equal((await ask(where)).status, 200, `${where} ${log()}`);
    }
    await mariadb.kill();
    assert.match((await ask('/')).body, /The database has been away since/);
    assert.equal((await ask('/?q=x')).status, 503);
    await mariadb.restart();
    await sleep(2_500);
    assert.doesNotMatch((await ask('/')).body, /been away/);
  });
});
