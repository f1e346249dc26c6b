/**
 * Debian 12 and 13 in a guest, and the roots of other systems in it, over two days of the guest's own clock: the
 * installed program visits each with both agents. Every visit is good, and both agents tell the same, once.
 *
 * The roots share the guest's kernel. Alpine's package manager is missing, because Debian does not have it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { calendarClock } from '../calendar/support/calendar-clock.ts';
import { openStation, type Row } from '../calendar/support/station.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { Guest, withoutGuest } from './guest.ts';

const both = ['node', 'shell'];
const machines: Readonly<Record<string, readonly string[]>> = {
  ...{ debian: both, overlay: both, readonly: both, i386: both, rpm: both, pacman: both },
  busybox: ['shell'],
};
const names = Object.entries(machines).flatMap(([machine, agents]) => agents.map((agent) => `${machine}-${agent}`));

const roots = ['i386', 'managers'].map((name) =>
  path.join(process.env['FLEET_HEALTH_GUESTS'] ?? '', `root-${name}.tar`),
);
const scripts = ['install-packages.sh', 'another-package.sh', 'day-of-machines.sh', 'prepare-machines.sh'];

const skipOf = (suite: string): string | false =>
  withoutGuest(suite) || (roots.every((file) => existsSync(file)) ? false : 'needs what npm run test:machines makes');

/** Returns lines `NAME: TEXT`, with the machine as the name of those that all its agents have. */
function ofMachines(rows: readonly (readonly [client: string, text: string])[]): readonly string[] {
  return Object.entries(machines).flatMap(([machine, agents]) => {
    const texts = agents.map((agent) =>
      rows.flatMap(([client, text]) => (client === `${machine}-${agent}` ? text : [])),
    );
    const shared = new Set(texts.reduce((some, more) => some.filter((text) => more.includes(text))));
    return [
      ...[...shared].map((text) => `${machine}: ${text}`),
      ...agents.flatMap((agent, at) =>
        (texts[at] ?? []).filter((text) => !shared.has(text)).map((text) => `${machine}-${agent}: ${text}`),
      ),
    ];
  });
}

/** Makes a monitoring machine whose clock is set together with the guest's. */
async function monitor(t: TestContext, guest: Guest) {
  const dir = tempFolder(t);
  chmodSync(dir, 0o755);
  const clock = calendarClock(t, dir);
  const address = ['-p', String(guest.port), '-t', 'ed25519', '127.0.0.1'];
  const login = (name: string): string =>
    `<client name="${name}" ip="127.0.0.1" port="${guest.port}" username="${name}"/>`;
  const station = await openStation(t, {
    ...{ dir, clock, database: 'sqlite', machineZone: 'UTC', deadlineMs: 1_500_000 },
    knownHosts: [spawnSync('ssh-keyscan', address, { encoding: 'utf8' }).stdout.trim()],
    // Others would wait for the one emulated processor.
    elements: `<ssh privateKey="${guest.key}"/>
      <collector every="1d" concurrency="1" agentTimeout="3m" connectTimeout="60s" clientDeadline="5m"/>
      <alerts defaults="no" mail="ops@example.org"><alert type="service"/><alert type="check"/></alerts>
      ${names.map(login).join('')}`,
  });
  const pairs = async (sql: string): Promise<readonly (readonly [string, string])[]> =>
    (await station.rows(sql)).map((row) => [String(row['client']), String(row['text'])]);
  let newest = 0;
  return {
    pairs,
    /** Visits all machines at a time, and evaluates what they said. Returns faults and changes. */
    visit: async (time: string): Promise<readonly string[]> => {
      const timeMs = Date.parse(`${time.replace(' ', 'T')}:00Z`);
      guest.make(`date -s @${timeMs / 1000}`);
      clock.set(timeMs);
      const { stdout, stderr } = await station.run('--json', 'collect');
      const { visits } = JSON.parse(stdout) as { visits: readonly Row[] };
      const faults = visits.filter(({ ok }) => ok !== true).map((one) => JSON.stringify(one));
      const pass = await station.run('alert', '-q');
      const changes = await pairs(
        `SELECT c.client, i.kind || ' ' || i.item AS text FROM state_changes s JOIN state_clients c ON c.id = s.client_id
         JOIN state_items i ON i.id = s.item_id WHERE s.id > ${newest} ORDER BY i.kind, i.item`,
      );
      newest = Number((await station.rows('SELECT COALESCE(MAX(id), 0) AS id FROM state_changes'))[0]?.['id']);
      return [...faults, stderr, pass.stderr, ...ofMachines(changes)].filter((line) => line !== '').map(withoutKey);
    },
    /** Returns the sections of the state that are empty or have an error. */
    emptySections: async (): Promise<readonly string[]> =>
      ofMachines(
        await pairs(
          `SELECT c.client, s.kind || COALESCE(' ' || s.error, '') AS text FROM state_sections s
           JOIN state_clients c ON c.id = s.client_id WHERE s.error IS NOT NULL
           OR NOT EXISTS (SELECT 1 FROM state_now n WHERE n.client = c.client AND n.kind = s.kind) ORDER BY 2`,
        ),
      ),
  };
}

/** Leaves the id of a key of rpm out of a line: each run makes keys of its own. */
function withoutKey(line: string): string {
  return line.replace(/ gpg-pubkey \(none\) [\da-f-]+$/, ' gpg-pubkey');
}

/** Returns what a day of the machines changes, as day-of-machines.sh makes it. */
function changesOfDay(quadlet: boolean): readonly string[] {
  const unit = quadlet ? ['file /etc/containers/systemd/quad.container'] : [];
  const guest = [...unit, 'file /etc/motd', 'package hello-fleet all', 'unit broken.service'];
  const texts: Readonly<Record<string, readonly string[]>> = {
    ...{ debian: guest, overlay: guest, readonly: guest },
    i386: ['file /etc/motd', 'package hello-fleet all'],
    rpm: ['file /etc/motd', 'package gpg-pubkey', 'package hello-fleet noarch'],
    // The package has files in /etc that are no backup files.
    pacman: ['file /etc/hello/own.conf', 'file /etc/hello/same.conf', 'file /etc/motd', 'package hello-fleet'],
    busybox: ['file /etc/motd'],
  };
  return Object.entries(texts).flatMap(([machine, lines]) => lines.map((line) => `${machine}: ${line}`));
}

for (const suite of (process.env['SUITES'] ?? 'trixie bookworm').split(' ')) {
  describe(`machines of Debian's suite ${suite}`, { skip: skipOf(suite) }, () => {
    // Podman has it since 4.4.
    const quadlet = suite !== 'bookworm';
    const work = tempFolder();
    const guest = new Guest(path.join(work, 'guest'), { suite, disks: roots });
    before(async () => {
      await guest.boot();
      guest.put(
        scripts.map((name) => path.join(import.meta.dirname, name)),
        '/root/machines',
      );
      guest.make('sh /root/machines/prepare-machines.sh');
      // Its last line restarts sshd.
      await guest.until('true', 60);
    });
    after(() => guest.end());

    test('each visit of two days is good, and each change is told once, the same by both agents', async (t) => {
      const { visit, emptySections, pairs } = await monitor(t, guest);
      assert.deepEqual(await visit('2035-10-22 10:00'), []);
      assert.deepEqual(await emptySections(), ['overlay: mount', 'busybox: package', 'busybox: unit']);
      assert.deepEqual(await visit('2035-10-22 10:05'), []);
      guest.make('sh /root/machines/day-of-machines.sh');
      const containers = guest.make('cat /root/machines/containers').trim().split('\n');
      assert.equal(containers.length, quadlet ? 7 : 6);
      assert.deepEqual(await visit('2035-10-23 10:02'), changesOfDay(quadlet));
      assert.deepEqual(await visit('2035-10-23 10:05'), []);
      assert.deepEqual(await visit('2035-10-24 10:00'), []);
      // An emulated Docker or Podman seldom answers within the second that it has.
      const rows = await pairs(
        `SELECT s.client, c.check_name || ' ' || c.state AS text FROM check_stats c JOIN stats s ON s.id = c.stat_id
         WHERE c.check_name LIKE 'container:%' AND s.id IN (SELECT MAX(id) FROM stats GROUP BY client)`,
      );
      const running = containers.flatMap((line) => line.split(' ').map((word) => `container:${word} 0`));
      for (const name of names) {
        const texts = rows.flatMap(([client, text]) => (client === name ? text : []));
        assert.deepEqual(
          [name, texts.length, texts.filter((text) => !running.includes(text))],
          [name, containers.length, []],
        );
      }
      const readers = await pairs('SELECT name AS client, reader AS text FROM clients');
      assert.deepEqual(
        readers.filter(([name, reader]) => !name.endsWith(`-${reader}`)),
        [],
      );
      const failed = await pairs("SELECT client, rule AS text FROM alerts WHERE subject = 'broken.service'");
      assert.ok(failed.some(([client, rule]) => client === 'debian-node' && rule === 'service'));
    });
  });
}
