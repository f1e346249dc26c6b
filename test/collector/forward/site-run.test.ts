import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openReceiver } from '../../../src/collector/receive/receiver.ts';
import type { Client } from '../../../src/config/config.ts';
import { storedFolders } from '../../../src/collector/inbox/stored-files.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import { senderOfSite } from '../../../src/report/seal/push.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { newPushKey, writePushKeys } from '../../../src/state-folder/push-keys.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../../support/fleets/fleet.ts';
import { startPushServer } from '../../support/fleets/push-server.ts';

const forwarded = (name: string): Client =>
  makeClient(name, { arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } });

/**
 * Starts the push endpoint of a collector with a database. Returns its configuration, its URL and the file of a site's
 * key.
 */
async function endpoint(t: TestContext, fleet: Fleet, names: readonly string[]) {
  const config = makeConfig(fleet.stateDir, names.map(forwarded));
  const { keyRing } = await openReceiver(config, Date.now());
  const { key: pushKey } = newPushKey(senderOfSite('fra'), Date.now());
  writePushKeys(statePaths(fleet.stateDir).pushKeys, [
    { ...newPushKey(senderOfSite('fra'), Date.now()), key: pushKey },
  ]);
  const keyFile = path.join(fleet.dir, 'fra.json');
  const publicKey = Buffer.from(keyRing.sealing.publicKey).toString('base64url');
  writeFileSync(keyFile, JSON.stringify({ site: 'fra', publicKey, pushKey }), { mode: 0o600 });
  const { url } = await startPushServer(t, { settings: () => config, onRefused: () => undefined });
  return { config, forward: { url, keyFile } };
}

/** Returns the way of a site whose files another program carries, with the file of its key. */
async function endpointFile(fleet: Fleet) {
  const { keyRing } = await openReceiver(makeConfig(path.join(fleet.dir, 'hq'), []), Date.now());
  const { key: pushKey } = newPushKey(senderOfSite('fra'), Date.now());
  const keyFile = path.join(fleet.dir, 'fra.json');
  const publicKey = Buffer.from(keyRing.sealing.publicKey).toString('base64url');
  writeFileSync(keyFile, JSON.stringify({ site: 'fra', publicKey, pushKey }), { mode: 0o600 });
  return { forward: { url: null, keyFile } };
}

test('clients whose reports are refused are named, fail no run, and hold up no key of others', async (t) => {
  const hq = makeFleet();
  const { forward, config } = await endpoint(t, hq, ['web-1']);
  const site = makeFleet();
  const startMs = Date.now();
  /** Makes a run of the site. Returns the faults that the run reports. */
  const runAt = async (afterMs: number, names = ['web-1', 'web-2']): Promise<readonly string[]> => {
    site.events.length = 0;
    const now = (): number => startMs + afterMs;
    const result = await site.collect(
      names.map((name) => makeClient(name)),
      { collector: { open: false, forward }, now },
    );
    const { waiting, duplicate, quarantined } = result.reports;
    assert.deepEqual([result.faults, waiting > 0], [[], true]);
    assert.deepEqual({ duplicate, quarantined }, { duplicate: 0, quarantined: 0 });
    return site.events.flatMap((event) => (event.kind === 'fault' ? event.fault.message.replace(forward.url, '') : []));
  };
  assert.deepEqual(await runAt(0, ['web-2']), [' refuses reports of web-2']);
  assert.deepEqual(await runAt(hourMs), [' refuses reports of web-2']);
  await hq.collect(config.clients);
  const sealed = await hq.query('SELECT name, LENGTH(sealed_to) AS length FROM clients');
  assert.deepEqual(
    sealed.map((row) => ({ ...row })),
    [{ name: 'web-1', length: 16 }],
  );
});

test('a site keeps what it stored while it had a database for keepStored, and a new database gets it', async (t) => {
  const { forward } = await endpoint(t, makeFleet(), ['web-1']);
  const fleet = makeFleet();
  const beganMs = Date.now();
  const runAt = async (minutes: number, isSite: boolean) => {
    const now = (): number => beganMs + minutes * minuteMs;
    const collector = isSite ? { collector: { open: false, forward } } : {};
    return await fleet.collect([makeClient('web-1')], { now, ...collector });
  };
  const folders = (): number => storedFolders(statePaths(fleet.stateDir)).length;
  await runAt(0, false);
  await runAt(5, true);
  assert.equal(folders(), 1);
  for (const ending of ['', '-wal', '-shm']) rmSync(path.join(fleet.stateDir, `fleet.db${ending}`), { force: true });
  const { restored } = await runAt(10, false);
  assert.equal(restored?.reports, 3);
  await runAt(40, true);
  assert.equal(folders(), 0);
});

test('a site remembers refused logins and inventories, and without a URL its files wait', async () => {
  const site = makeFleet();
  const refused = new FleetError({ code: 'auth-failed', stage: 'login', message: 'no' });
  const transportFor = (client: Client): ReturnType<typeof site.transportFor> =>
    client.name === 'web-2' ? { connect: () => Promise.reject(refused) } : site.transportFor(client);
  const { forward } = await endpointFile(site);
  const runAt = async () => {
    site.events.length = 0;
    const clients = ['web-1', 'web-2'].map((name) => makeClient(name));
    const { reports, skipped } = await site.collect(clients, { collector: { open: false, forward }, transportFor });
    return [reports.stored, reports.waiting, skipped];
  };
  // Figures, an inventory and a state; then figures alone.
  assert.deepEqual(await runAt(), [0, 3, 0]);
  assert.deepEqual(await runAt(), [0, 4, 1]);
  const skip = site.events.find((event) => event.kind === 'skipped');
  assert.deepEqual(skip?.kind === 'skipped' && [skip.client, skip.reason, skip.code], [
    'web-2',
    'login_refused',
    'auth-failed',
  ]);
});
