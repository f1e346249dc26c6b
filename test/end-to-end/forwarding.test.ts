// Second tier: two whole sites beside each other.
/**
 * A site without a database: its `collect`, and `serve` and `collect` of the collector with one, as the built program.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { siteId } from '../../src/state-folder/collector-id.ts';
import { forwardingSite } from '../support/fleets/forwarding-site.ts';
import { succeeded } from '../support/programs/run-cli.ts';

const two = {
  clients: '<client name="web-1"/><client name="web-2"/>',
  own:
    '<ssh username="x" password="y" hostKeys="accept-new"/>' +
    '<client name="web-1" transport="local"/><client name="web-2" ip="127.0.0.1" port="1"/>',
};

test('a site forwards as if the other collector had done its visits', { timeout: 240_000 }, async (t) => {
  const { hq, site } = await forwardingSite(t, two);
  assert.match((await hq.run('check')).stdout, /nothing has come of web-1, web-2 from the site fra/);
  const tried = await succeeded(site.run('check'));
  assert.match(tried, /The trial succeeded\.\ncollect forwards reports sealed/);
  for (const round of [1, 2]) {
    const collected = await site.run('collect');
    assert.equal(collected.status, 1, `run ${round}: ${collected.stderr}`);
    assert.deepEqual(site.waiting(), []);
    if (round === 1) assert.match((await hq.run('check')).stdout, /what the site fra has sent of .* is not stored yet/);
    await succeeded(hq.run('collect'));
    await succeeded(hq.run('alert'));
  }
  const runs = hq.rows(`SELECT outcome, clients, succeeded, failed FROM runs WHERE collector_id = '${siteId('fra')}'`);
  assert.deepEqual(runs, ['finished 2 1 1', 'finished 2 1 1']);
  const clients = hq.rows('SELECT name, reader, consecutive_failures FROM clients ORDER BY name');
  assert.deepEqual(clients, ['web-1 node 0', 'web-2  2']);
  assert.deepEqual(hq.rows('SELECT client FROM inventory'), ['web-1']);
  const known = hq.rows("SELECT client, kind, item FROM state_now WHERE kind = 'system' AND item = 'kernel'");
  assert.deepEqual(known, ['web-1 system kernel']);
  // The alert may fire by now: that depends on the time between the two visits.
  assert.deepEqual(hq.rows("SELECT client FROM alerts WHERE rule = 'unreachable'"), ['web-2']);
  assert.match(await succeeded(hq.run('explain', 'web-2')), /unreachable[^]*connect/);
  const status = await succeeded(hq.run('status'));
  assert.match(status, /Last run finished \d+s ago; of 0 clients asked, 0 answered\./);
  assert.match(status, /Site fra: last run finished \d+s ago; of 2 clients asked, 1 answered\./);
  hq.change("DELETE FROM runs WHERE program = 'collect' AND clients = 0");
  assert.match((await hq.ask('/ping')).body, /No run of the collector has finished yet/);
  assert.match(await succeeded(hq.run('status')), /No run yet: fleet-health collect makes one\.\nSite fra: last run/);
  assert.doesNotMatch((await hq.run('check')).stdout, /nothing has come/);
  assert.match((await hq.run('collect', 'web-1')).stdout, /web-1 is visited by its site fra: run collect there/);
});

test('a command that needs a database is refused at a site, which has none', { timeout: 240_000 }, async (t) => {
  const { site } = await forwardingSite(t, two);
  for (const command of [
    ['status'],
    ['backup', 'x'],
    ['alert'],
    ['show', 'web-1'],
    ['ingest'],
    ['migrate'],
    ['serve'],
    ['prune'],
  ]) {
    const { status, stderr } = await site.run(...command);
    const said = `${command.join(' ')}: ${status} ${stderr}`;
    assert.match(said, /this site has no database: it forwards what it takes to http:\/\/127\.0\.0\.1:\d+\/v1\/visit/);
    assert.equal(status, 2, said);
  }
  const lines = await succeeded(site.run('crontab'));
  assert.match(lines, / collect\n/);
  assert.doesNotMatch(lines, / alert\n/);
});

test('without the link all waits at the site, and cron hears of it once an hour', { timeout: 240_000 }, async (t) => {
  const { hq, site } = await forwardingSite(t);
  await hq.end();
  const first = await site.run('-q', 'collect');
  assert.equal(first.status, 3);
  assert.match(first.stderr, /^[^\n]*ECONNREFUSED[^\n]*push-failed[^\n]*\n$/);
  const second = await site.run('-q', 'collect');
  assert.equal(second.status, 3);
  assert.equal(second.stderr, '');
  const waiting = site.waiting();
  assert.ok(waiting.filter((name) => name.endsWith('.json')).length === 4, waiting.join());
  assert.match((await site.run('check')).stdout, /failed: link to hq: http[^\n]*ECONNREFUSED/);
  await hq.serveAgain();
  assert.equal((await site.run('-q', 'collect')).status, 0);
  assert.deepEqual(site.waiting(), []);
  await succeeded(hq.run('collect'));
  assert.deepEqual(hq.rows('SELECT COUNT(*) FROM visits'), ['3']);
  assert.deepEqual(hq.rows('SELECT COUNT(*), COUNT(DISTINCT observed_at) FROM stats'), ['3 3']);
});

test('keys of the site and of the reports are rotated', { timeout: 240_000 }, async (t) => {
  const { hq, site } = await forwardingSite(t);
  const file = path.join(site.dir, 'fra.json');
  await succeeded(site.run('collect'));
  await succeeded(hq.run('enroll', 'fra', '--site', '--rotate', '-o', path.join(hq.dir, 'fra.json')));
  const refused = await site.run('collect');
  assert.equal(refused.status, 3);
  assert.match(refused.stderr, /answered 401[^]*enroll fra --site/);
  assert.match(hq.log(), /push-refused[^\n]*!fra/);
  assert.notDeepEqual(site.waiting(), []);
  const { keys } = JSON.parse(await succeeded(hq.run('--json', 'keys', 'list'))) as { keys: { id: string }[] };
  const before = keys[0]?.id ?? '';
  const rotated = await succeeded(hq.run('keys', 'rotate'));
  const [, newest = ''] = /Key (\w+) seals from now on[^]*Site fra seals to it once it has what/.exec(rotated) ?? [];
  // The waiting reports are sealed to the previous key.
  await succeeded(hq.run('enroll', 'fra', '--site', '-o', file));
  // `serve` reads the keys every ten seconds.
  await hq.end();
  await hq.serveAgain();
  assert.ok(newest !== '' && (await succeeded(site.run('check'))).includes(`to key ${newest};`), rotated);
  await succeeded(site.run('collect'));
  assert.deepEqual(site.waiting(), []);
  await succeeded(hq.run('collect'));
  assert.deepEqual(hq.rows('SELECT COUNT(*) FROM stats'), ['3']);
  // More reports of the site waited when that run began. They may be sealed to any key.
  assert.match((await hq.run('keys', 'retire', before)).stderr, /web-1 may hold reports/);
  await succeeded(site.run('collect'));
  await succeeded(hq.run('collect'));
  // There is one more if other tests have changed the state of this machine meanwhile.
  assert.match((await hq.run('keys', 'retire', before)).stderr, /[345] reports that have become rows [^]*need key/);
  await succeeded(hq.run('keys', 'retire', before, '--force'));
  await succeeded(hq.run('enroll', 'fra', '--site', '--revoke'));
  assert.equal((await site.run('collect')).status, 3);
  assert.equal((await hq.run('enroll', 'ber', '--site')).status, 2);
});

test('a key file that is none and a config.xml that fits no site are told', { timeout: 240_000 }, async (t) => {
  const { site } = await forwardingSite(t);
  writeFileSync(path.join(site.dir, 'fra.json'), '{}', { mode: 0o600 });
  assert.match((await site.run('collect')).stderr, /fra\.json is not the key of a site \(keys-invalid\)/);
  writeFileSync(
    path.join(site.dir, 'config.xml'),
    '<config><collector><forward url="http://hq/" key="fra.json"/></collector><client name="a" ' +
      'transport="push"/></config>',
    { mode: 0o600 },
  );
  const faults = (await site.run('check')).stdout;
  assert.match(faults, /write open="no"/);
  assert.match(faults, /client "a" has transport="push", and a site that forwards takes no pushes/);
});
