/** The facts about a client: `show` and the page have all of them, in the same words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { factLines } from '../../../src/cli/look/fact-lines.ts';
import type { Output } from '../../../src/cli/terminal/output.ts';
import type { ClientDetail } from '../../../src/look/data/client-detail.ts';
import { clientFacts } from '../../../src/look/data/client-facts.ts';
import { factTable } from '../../../src/look/page/fact-table.ts';
import { links } from '../../../src/look/page/live/links.ts';

const terminal = { terminal: false, columns: 80, colour: (_colour, text) => text } as Output;
const dayMs = 86_400_000;
const evil = '\u001b[2J\u202e<b>';

const row = {
  ...{ cpu_percent: 97, cpus: 4, memory_percent: 42, swap_percent: 1, load1: 0.5, load5: null, load15: 0.25 },
  ...{ reboot_required: 1, clock_synchronised: 0, oom_kills: 3, unresponsive_mounts: 1, probe_errors: 2 },
  ...{ pressure_cpu_percent: null, pressure_memory_percent: null, pressure_io_percent: null, uptime_s: 90_000 },
  ...{ processes: 180, failed_units: 3, open_files_percent: null, conntrack_percent: 0.5 },
};
const disk = { fstype: 'nfs', mode: 'rw', source: 'nas:/x', unresponsive: 0, used_percent: 40, inodes_percent: null };
const sizes = { available_bytes: 2 ** 30, size_bytes: 2 ** 31 };
const visit = { startedAtMs: 0, durationMs: 750, connectMs: null, stage: 'auth', message: `refused ${evil}` };
const module = { slot: 'A1', sizeBytes: 2 ** 34, form: null, type: 'DDR4', megahertz: 3200, serial: 'M1' };
const faults = { rx_errors_per_s: null, tx_errors_per_s: 0.5, rx_drops_per_s: 2, tx_drops_per_s: null };
const inventory = {
  ...{ observedAtMs: 0, hostname: 'web-1', os: 'Debian', osVersion: null, virtualisation: 'kvm', cpus: 4 },
  ...{ manufacturer: null, model: null, serial: null, kernel: null, architecture: null, cpuModel: null },
  ...{ memoryBytes: null, memoryModules: Array.from({ length: 18 }, () => module), networkCards: null },
  diskDevices: [{ device: 'sda', firmware: 'F1', serial: 'D1' }],
};
const detail = {
  member: { client: 'web-1', beyond: { cpu: 'critical', memory: null, disk: null } },
  newest: {
    row,
    disks: [
      { ...disk, ...sizes, mount: '/srv' },
      { ...disk, mount: evil, unresponsive: 1 },
      { ...disk, mount: '/data', used_percent: 90 },
    ],
    networks: [{ interface: 'eth0', link_up: 0, rx_bytes_per_s: 1024, tx_bytes_per_s: null, ...faults }],
    whole: null,
  },
  forecasts: [
    { mount: '/srv', kind: 'space', daysLeft: 6, daysLow: 5, daysHigh: null, growthPerDay: 2 ** 30, sinceMs: 0 },
  ],
  visits: [
    { ...visit, ok: true, code: null, message: null, host: 'hq-1' },
    { ...visit, ok: false, code: 'auth-failed', host: 'hq-2' },
    { ...visit, ok: false, code: 'auth-failed', host: 'hq-2' },
  ],
  ...{ inventory, mails: [], logCounts: [{ labels: { source: 'journal' }, count: 7 }] },
} as unknown as ClientDetail;
const facts = clientFacts({ retention: { detailMs: 7 * dayMs } } as never, detail, () => '10:05');

/** Returns the lines of a table in a terminal, each with single spaces. */
const shown = (name: keyof typeof facts): readonly string[] =>
  factLines(terminal, facts[name])
    .join('\n')
    .split('\n')
    .map((line) => line.replace(/ +/g, ' ').trim());

test('each figure that is known stands with its words, and trouble in words of its own', () => {
  assert.deepEqual(shown('figures').slice(1), [
    ...['CPU 97 % of 4 CPUs (at its limit)', 'Memory 42 %', 'Swap 1 %', 'Load of 1, 5, 15 minutes 0.5, -, 0.25'],
    ...['Conntrack 0.5 %', 'Processes 180', 'Up 1 day 1 hour', 'Reboot needed', 'Clock not synchronised'],
    ...['Killed for want of memory 3', 'Mounts that do not answer 1', 'Probes that failed 2'],
  ]);
});

test('mounts stand with their forecasts, interfaces with faults, visits with hosts and remedies', () => {
  const [, gone = '', data = '', srv, forecast] = shown('disks');
  assert.match(gone, /<b> no answer - - - nfs rw nas:\/x$/);
  assert.match(data, /^\/data 90 %/);
  assert.equal(srv, '/srv 40 % 1 GiB 2 GiB - nfs rw nas:/x');
  assert.match(forecast ?? '', /^\/srv will be full in about 6d \(5d or more\): it grows 1 GiB a day since 1970-01-01/);
  assert.deepEqual(shown('networks').slice(1), ['eth0 down 1 KiB/s - 0.5/s 2/s']);
  const [head, good, failed, why = '', remedy = '', ...again] = shown('visits');
  assert.deepEqual([head, good], ['started result took login by', '10:05 ok 750 ms - hq-1']);
  assert.equal(failed, '10:05 auth-failed 750 ms - hq-2');
  assert.match(why, /^refused \\u\{1b\}/);
  assert.match(remedy, /^Check username and key/);
  assert.deepEqual(again, [failed, why], 'a remedy is said once');
});

test('parts stand with serial numbers, and what is absent is said', () => {
  const machine = shown('machine');
  assert.ok(machine.includes('Module A1, 16 GiB, DDR4, 3200 MHz, serial M1'), machine.join('\n'));
  assert.ok(machine.includes('Module and 2 more'));
  assert.ok(machine.includes('Disk sda, firmware F1, serial D1'));
  assert.deepEqual(shown('services').slice(1), ['units 3 failed']);
  assert.deepEqual(shown('processes'), ['The whole report is not kept any more (<retention detail> is 7d).']);
  assert.deepEqual(shown('mails'), ['Nobody was mailed about it.']);
  assert.deepEqual(shown('logCounts').slice(1), ['journal err 7']);
});

for (const [name, table] of Object.entries(facts)) {
  test(`the page has each word of the ${name} of show, and no code of a client`, () => {
    const html = factTable(table, links)?.html ?? '';
    const text = html
      .replace(/<[^>]*>/g, '\n')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&#39;', "'");
    const cells = table.rows.flatMap(({ cells: row, notes = [] }) => [...row, ...notes]);
    const all = cells.map((cell) => (typeof cell === 'string' ? cell : (cell?.text ?? ''))).concat(table.about ?? '');
    for (const one of all.filter((words) => !words.includes(evil))) assert.ok(text.includes(one), one);
    assert.doesNotMatch(html.replaceAll('\n', ''), /<b>|[\p{Cc}\p{Cf}]/u);
  });
}
