/** The built-in checks of the agents, beside the checks that users wrote. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { openSource } from '../../../agent/live/live-source.ts';
import { runProbes } from '../../../agent/probes/collect.ts';
import type { BuiltInCheck } from '../../../agent/probes/collected.ts';
import type { Probe } from '../../../agent/probes/probe.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { encodeReport } from '../../../src/report/encode-report.ts';
import { parseReport } from '../../../src/report/parse-report.ts';
import { sampleReport } from '../../report/support/sample-report.ts';
import { checkAwks, checkedMachine, inShort, statsOf } from '../../support/clients/built-in-checks.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const bond = (status: string): string =>
  `Ethernet Channel Bonding Driver: v6.1.0\n\nMII Status: ${status}\n\nSlave Interface: eth0\nMII Status: ${status}\n`;
const made = (name: string, state: BuiltInCheck['state'] = 0): BuiltInCheck => ({
  name,
  state,
  text: '',
  perfdata: '',
});
const own = (name: string): CheckResult => ({ name, format: 'nagios', exit: 0, why: null, output: 'own', age_s: 0 });
const names = (checks: readonly CheckResult[] = []): readonly string[] => checks.map(({ name }) => name);

test('a machine without such devices has no checks of the agent', async (t) => {
  assert.deepEqual(await checkedMachine(t).visit({}), []);
  assert.deepEqual(withBuiltIn(null, []), {});
});

test('a container does not check the devices of its host', async (t) => {
  assert.deepEqual(await checkedMachine(t).visit({ '.dockerenv': '', 'proc/net/bonding/bond0': bond('up') }), []);
});

test("checks of the agent follow people's own, the bad ones first, and an own name wins", () => {
  const part = { checks: [own('disk'), own('md:md0')], checks_refused: [{ path: 'x', why: 'untrusted' }] };
  const { checks, checks_refused: refused } = withBuiltIn(part, [made('bond:a'), made('md:md0', 2), made('md:md1', 3)]);
  assert.deepEqual(names(checks), ['disk', 'md:md0', 'md:md1', 'bond:a']);
  assert.equal(checks?.[1]?.output, 'own');
  assert.deepEqual(refused, part.checks_refused);
});

test('at most 100 checks of the agent are added to 50 of people, and a report takes them', () => {
  const mine = Array.from({ length: 50 }, (_, at) => own(`own${at}`));
  const built = Array.from({ length: 150 }, (_, at) => made(`md:md${at}`, at === 149 ? 2 : 0));
  const { checks } = withBuiltIn({ checks: mine }, built);
  assert.equal(checks?.length, 150);
  assert.equal(checks[50]?.name, 'md:md149');
  assert.equal(parseReport(encodeReport({ ...sampleReport, checks })).checks?.length, 150);
  const more = encodeReport({ ...sampleReport, checks: [...checks, own('more')] });
  assert.throws(() => parseReport(more), /at most 150|150/);
});

test('a probe that fails is one UNKNOWN check, and leaves the other checks alone', async () => {
  const probes: readonly Probe[] = [
    {
      name: 'bad',
      deadlineMs: 1000,
      check: 'bad',
      run: () => {
        throw new Error('no\nluck | a=1');
      },
    },
    { name: 'slow', deadlineMs: 50, check: 'slow', run: () => new Promise(() => undefined) },
    { name: 'good', deadlineMs: 1000, check: 'good', run: () => ({ functions: [], checks: [made('good:1')] }) },
  ];
  const given = {
    source: openSource(''),
    options: {},
    previous: null,
    bootId: null,
    monotonicMs: 0,
    deadlineMs: 5000,
  };
  const { checks, workerReports } = await runProbes(given, probes);
  assert.deepEqual(workerReports, []);
  assert.deepEqual(withBuiltIn(null, checks).checks?.map(inShort), [
    { name: 'bad', exit: 3, output: 'no\ufffdluck / a=1' },
    { name: 'slow', exit: 3, output: 'no answer within 50 ms' },
    { name: 'good:1', exit: 0, output: '' },
  ]);
});

for (const awk of checkAwks) {
  test(`hostile names and words of a machine stay one check with one line (${awk})`, async (t) => {
    const files = {
      'proc/net/bonding/b "\\\u001b<ö|': bond('down'),
      'proc/net/bonding/x ': bond('"\\\u001b[2J\u202e|a=1'),
      [`proc/net/bonding/${'n'.repeat(130)}`]: bond('up'),
      [`proc/net/bonding/${'n'.repeat(131)}`]: bond('up'),
      'proc/net/bonding/empty': '',
    };
    const checks = await checkedMachine(t, awk).visit(files);
    assert.deepEqual(checks.map(({ name }) => name).sort(), [
      'bond:b _______',
      'bond:empty',
      `bond:${'n'.repeat(119)} 2`,
      `bond:${'n'.repeat(123)}`,
      'bond:x',
    ]);
    const report = encodeReport({ ...sampleReport, checks });
    assert.deepEqual(parseReport(report).checks, checks);
  });

  test(`the shell agent adds its checks behind people's own, whose names win (${awk})`, async (t) => {
    const root = rootWith(tempFolder(t), {
      'proc/net/bonding/bond0': bond('up'),
      'proc/net/bonding/bond1': bond('down'),
    });
    const agent = shellAgent(t, { awk });
    const confs = path.join(agent.home, '.config/fleet-health/checks.d');
    mkdirSync(confs, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(confs, 'a.conf'), 'bond:bond0 echo \'{"name":"bond:bond1","\'\nnothing\n', { mode: 0o600 });
    const { report } = await agent.run({ root });
    assert.deepEqual(names(report?.checks), ['bond:bond0', 'bond:bond1']);
    assert.equal(report?.checks?.[0]?.output, '{"name":"bond:bond1","');
    assert.equal(statsOf(report.checks)[1]?.state, 2);
    assert.equal(report.checks_refused?.length, 1);
  });
}
