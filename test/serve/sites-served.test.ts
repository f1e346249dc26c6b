// Second tier: starts three servers.
/** `serve --fleet` with real sites, one of which is killed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../support/free-port.ts';
import { configFolder } from '../support/run-cli.ts';
import { serveFolder, servedFleet } from './support/served-fleet.ts';

/** Starts two sites, and a federation of these and of one that does not answer. */
async function startFederation(t: TestContext) {
  const ber = await servedFleet(t, { attributes: 'auth="always"' });
  const fra = await servedFleet(t);
  const { stdout: token } = await ber.run('tokens', 'add', 'federation', '--for', 'status');
  const dir = configFolder(t, '<config></config>');
  writeFileSync(path.join(dir, 'ber.token'), token, { mode: 0o600 });
  const sites = [
    `<site name="ber" url="http://127.0.0.1:${ber.port}" tokenFile="ber.token"/>`,
    `<site name="fra" url="http://127.0.0.1:${fra.port}/"/>`,
    `<site name="sin" url="http://127.0.0.1:${await freePort()}/"/>`,
  ];
  writeFileSync(path.join(dir, 'sites.xml'), `<sites>${sites.join('')}</sites>`, { mode: 0o600 });
  const federation = await serveFolder(t, dir, { args: ['--fleet', 'sites.xml'] });
  return { ber, fra, federation };
}

type Federation = Awaited<ReturnType<typeof startFederation>>;

async function assertPages({ federation, fra }: Federation): Promise<void> {
  const { body, headers } = await federation.ask('/');
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.match(body, new RegExp(`<a class="name" href="http://127\\.0\\.0\\.1:${fra.port}/c/web-1">web-1</a>`));
  assert.match(body, /<b>no answer since \d\d:\d\d<\/b><span class="reason">connect ECONNREFUSED/);
  assert.match(body, /3 sites, 1 without an answer\./);
  assert.doesNotMatch(body, /href="\/runs"/);
  for (const where of ['/alerts', '/c/web-1', '/metrics']) assert.equal((await federation.ask(where)).status, 404);
  assert.equal((await federation.ask('/ping')).body, 'OK\n');
  assert.match((await federation.ask('/api/v1/status?limit=x')).body, /"code":"usage"/);
}

test('two real sites are one fleet, and the clients of one that is killed stay with its age', async (t) => {
  const started = await startFederation(t);
  const { ber, federation } = started;
  const status = async (query = '') => {
    const { body } = await federation.ask(`/api/v1/status${query}`);
    return JSON.parse(body) as Record<string, unknown> & { clients: { site: string; client: string }[] };
  };
  // The sites are polled at the start.
  while ((await status()).clients.length < 4) await sleep(50);

  const { total, matching, counts, alerts, missing } = await status();
  assert.deepEqual(
    { total, matching, alerts, missing },
    { total: 4, matching: 4, alerts: { firing: 2 }, missing: ['sin'] },
  );
  assert.deepEqual(counts, { critical: 2, warning: 0, failing: 0, late: 4, fine: 0, new: 0, paused: 0 });
  const { clients } = await status('?q=DB&limit=5');
  assert.deepEqual(clients.map(({ site, client }) => `${site} ${client}`).sort(), ['ber db', 'fra db']);
  await assertPages(started);

  const gone = once(ber.child, 'close');
  ber.child.kill('SIGKILL');
  await gone;
  const searched = await federation.ask('/?q=db');
  assert.match(searched.body, /role="alert">Without what ber, sin would have found\./);
  assert.equal(searched.body.match(/<a class="name"/g)?.length, 1);
  const found = await status('?q=db');
  assert.deepEqual(found['missing'], ['ber', 'sin']);
  assert.deepEqual(found['alerts'], { firing: 2 });
  assert.equal(found['total'], 4);
  const after = await federation.ask('/');
  assert.equal(after.body.match(/<a class="name"/g)?.length, 4);
  assert.match(federation.log(), /event=site-away site=sin/);
  assert.equal(await federation.end(), 0);
});

test('without <look/>, or with a file that has faults, --fleet says what to write', async (t) => {
  const dir = configFolder(t, '<config></config>');
  writeFileSync(path.join(dir, 'sites.xml'), '<sites/>', { mode: 0o600 });
  const args = ['--fleet', 'sites.xml'];
  await assert.rejects(serveFolder(t, dir, { args }), /sites\.xml:1: no <site> stands in it/);
  const twoFaults = '<sites><site name="a" url="ftp://a/"/>\n<site url="http://localhost/"/></sites>';
  writeFileSync(path.join(dir, 'sites.xml'), twoFaults, { mode: 0o600 });
  const both =
    /sites\.xml:1: <site> url="ftp:[^]*; sites\.xml:2: <site>.*name.* \(config-invalid\)\. Mend them in sites\.xml\./;
  await assert.rejects(serveFolder(t, dir, { args }), both);
  writeFileSync(path.join(dir, 'sites.xml'), '<sites><site name="a" url="http://localhost/"/></sites>', {
    mode: 0o600,
  });
  await assert.rejects(serveFolder(t, dir, { args, parts: '' }), /<serve> has no <look\/>/);
});
