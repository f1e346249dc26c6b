/** A real Alertmanager has the alerts that `fleet-health alerts` lists, during a storm and after it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { stationFor, type Says } from '../alerter/support/station.ts';
import { freePort } from '../support/servers/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { startProgram } from './support/prometheus.ts';

const programs = ['/usr/bin/prometheus-alertmanager', '/usr/bin/amtool'];
const skip = programs.every((program) => existsSync(program)) ? false : 'prometheus-alertmanager is not installed';

interface QueriedAlert {
  readonly labels: Readonly<Record<string, string>>;
}

/** Starts an Alertmanager with its data in a folder. Returns its URL. */
async function startAlertmanager(t: TestContext, dir: string): Promise<string> {
  const port = await freePort();
  const settings = path.join(dir, 'alertmanager.yml');
  writeFileSync(settings, 'route: { receiver: none }\nreceivers: [{ name: none }]\n');
  mkdirSync(path.join(dir, 'data'));
  startProgram(t, 'prometheus-alertmanager', [
    `--config.file=${settings}`,
    `--storage.path=${path.join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]);
  const url = `http://127.0.0.1:${port}`;
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/-/ready`).catch(() => null))?.ok === true;
  for (let attempt = 0; !(await isReady()); attempt += 1) {
    assert.ok(attempt < 240, 'Alertmanager does not answer');
    await sleep(250);
  }
  return url;
}

/** Returns the alerts of an Alertmanager by client, rule, subject and severity. */
async function queryAlerts(url: string): Promise<readonly string[]> {
  const args = ['alert', 'query', '--alertmanager.url', url, '--output', 'json'];
  const { stdout } = await promisify(execFile)('amtool', args, { maxBuffer: 2 ** 26 });
  return (JSON.parse(stdout) as readonly QueriedAlert[]).map(({ labels }) => {
    assert.equal(labels['site'], 'fra');
    return ['instance', 'alertname', 'subject', 'severity'].map((name) => labels[name] ?? '').join(' ');
  });
}

test('amtool lists the firing alerts through a storm', { skip, timeout: 120_000 }, async (t) => {
  const dir = tempFolder(t);
  const url = await startAlertmanager(t, dir);
  const elements = `<collector every="15m"/><alertmanager url="${url}" labels="site=fra"/>
    <alerts mail="ops@example.org"><alert type="disk" warning="85%" critical="95%"/></alerts>
    <client name="web-[001-300]" ip="web-[001-300].example.org" username="u"/>`;
  const station = await stationFor(t, { storage: sqliteConfig(path.join(dir, 'fleet.db')), elements });
  const names = station.config().clients.map(({ name }) => name);

  const compare = async (what: string): Promise<number> => {
    const open = (await station.storage.evaluation.openAlerts(null)).filter(({ state }) => state === 'firing');
    const listed = open.map(({ client, rule, subject, severity }) => [client, rule, subject, severity].join(' '));
    const found = await queryAlerts(url);
    assert.deepEqual(found.toSorted(), listed.toSorted(), what);
    return found.length;
  };

  // Alertmanager uses the clock of this machine. The events end now, within the time for which a post is valid.
  const beginMs = Date.now() - 12 * 60_000;
  const storm = (from: number, to: number, percent: number): Says =>
    Object.fromEntries(names.slice(from, to).map((name) => [name, `disk / ${percent}`]));
  const story: readonly (readonly [what: string, says: Says])[] = [
    ['quiet', {}],
    ['two warnings', storm(0, 2, 90)],
    ['a storm', storm(0, 280, 97)],
    ['half of it over', storm(140, 280, 97)],
    ['eased', storm(140, 280, 90)],
    ['over', {}],
  ];
  const counts: number[] = [];
  for (const [index, [what, says]] of story.entries()) {
    for (const minute of [0, 1]) {
      station.at(beginMs + (2 * index + minute) * 60_000);
      await station.collect(says);
      await station.pass();
      counts.push(await compare(`${what}, pass ${minute + 1}`));
    }
  }
  assert.equal(Math.max(...counts), 280, counts.join(' '));
  assert.equal(counts.at(-1), 0, counts.join(' '));
});
