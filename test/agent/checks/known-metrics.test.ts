import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { linesOfTextfiles } from '../../../agent/checks/textfiles.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Returns the lines about a file of samples, without its age. */
async function linesOf(t: TestContext, text: string, metrics = ''): Promise<readonly string[]> {
  const dir = tempFolder(t);
  writeFileSync(`${dir}/a.prom`, text);
  const [file = '', ...lines] = await linesOfTextfiles(dir, metrics);
  assert.match(file, /^file=-?\d+ a\.prom$/);
  return lines;
}

/** The metrics that are 0 while all is well. */
const zero = [
  ...['reallocated_sector_ct', 'current_pending_sector', 'offline_uncorrectable', 'grown_defects_count'].map(
    (name) => `smartmon_${name}_raw_value`,
  ),
  ...['nvme_critical_warning', 'nvme_critical_warning_total', 'nvme_media_errors_total', 'nvme_percentage_used_ratio'],
  ...['apt_upgrades_pending', 'apt_autoremove_pending', 'megaraid_degraded', 'megaraid_failed'],
  ...['megaraid_pd_media_errors', 'megaraid_pd_predictive_errors', 'megaraid_pd_smart_alerted'],
  ...['node_ipmi_chassis_fault', 'node_ipmi_sensor_state'],
];
/** The metrics that are above 0 while all is well. */
const aboveZero = [
  ...[
    'smartmon_device_smart_available',
    'smartmon_device_smart_healthy',
    'megaraid_healthy',
    'megaraid_battery_backup_healthy',
    'node_ipmi_speed_rpm',
  ],
];
const unknown = [
  ...['smartmon_device_smart_healthy_x', 'x_smartmon_device_smart_healthy', 'smartmon_temperature_raw_value'],
  ...['nvme_media_errors', 'nvme_critical_warnings', 'apt_upgrades', 'megaraid_pd_errors', 'node_ipmi_power_watts'],
];

for (const [metrics, fine, bad] of [
  [zero, ['0', '0.0', '-0', '0e5'], ['1', '0.01', '1e-9', '-3', 'NaN', '+Inf', '0x04']],
  [aboveZero, ['1', '5400', '0.5'], ['0', '0.0', '0e9', 'NaN', '-1']],
  [['node_ipmi_temperature_celsius'], ['89.9', '0', '-20'], ['90', '91.5', '1e3', 'NaN', '+Inf']],
] as const) {
  for (const metric of metrics) {
    test(`of ${metric} all that is not fine is sent, and one sample that is`, async (t) => {
      const samples = [...fine, ...bad].map((value, at) => `${metric}{disk="${at}"} ${value}`);
      assert.deepEqual(await linesOf(t, samples.join('\n')), [samples[0], ...samples.slice(fine.length)]);
    });
  }
}

test('attributes of smartmon.py are those of smartmon.sh', async (t) => {
  const line = (name: string, value: number): string =>
    `smartmon_attr_raw_value{name="${name}",device="/dev/sda",disk="0"} ${value}`;
  const [pending, hours] = [line('current_pending_sector', 8), line('power_on_hours', 900)];
  assert.deepEqual(await linesOf(t, `${hours}\n${pending}`), [pending]);
});

test('other metrics are sent only if they are asked for, behind all others, as they stand there', async (t) => {
  const text = unknown.map((metric) => `${metric} 7`).join('\n');
  assert.deepEqual(await linesOf(t, text), []);
  assert.deepEqual(await linesOf(t, text, 'apt_*,nvme_media_errors'), ['+nvme_media_errors 7', '+apt_upgrades 7']);
  assert.deepEqual(await linesOf(t, 'apt_upgrades_pending 3\na_b 1', 'a*b'), ['apt_upgrades_pending 3', '+a_b 1']);
  const long = `a{b="${'x'.repeat(400)}"} 1`;
  assert.deepEqual(await linesOf(t, long, 'a'), [`+${long.slice(0, 300)}`]);
  const many = Array.from({ length: 2100 }, (_, at) => `a ${at}`).join('\n');
  assert.equal((await linesOf(t, many, 'a')).length, 2000);
});

test('samples in any form of Prometheus, comments, and the first line that is none', async (t) => {
  const samples = ['a 1', '\ta{} +Inf', 'a {b="}"}2', '{"a",b="c"} 3', ' a{b="c"} NaN 1700000000', 'a -1'];
  const lines = await linesOf(t, ['# HELP a', '', ' \t#x', '\r', ...samples].join('\n'), 'a');
  assert.deepEqual(
    lines,
    samples.map((sample) => `+${sample}`),
  );
  const noNumbers = ['a 2,', 'a 0,5e+00', 'a N/A', 'a null', 'a Infinite', 'a 1x', 'a 1e', 'a -', 'a i', 'a{b="c"} {'];
  for (const wrong of ['a', '1 2', 'a x', 'a{b="c" 1', '= 1', ...noNumbers]) {
    assert.deepEqual(await linesOf(t, `# a\n${wrong}\nsecret\na 1`, 'a'), ['fault=line 2 is no sample', '+a 1'], wrong);
  }
});

test('a folder has 50 files at most, each of 1 MiB at most, and its hidden files are no files of it', async (t) => {
  const dir = tempFolder(t);
  for (let at = 10; at < 61; at += 1) writeFileSync(`${dir}/${at}.prom`, 'apt_upgrades_pending 1\n');
  for (const name of ['.a.prom', 'a.txt', '09.prom']) writeFileSync(`${dir}/${name}`, '#'.repeat(1024 * 1024 + 1));
  utimesSync(`${dir}/10.prom`, new Date(), new Date(Date.now() - 90_000));
  const lines = await linesOfTextfiles(dir);
  assert.deepEqual(
    lines.slice(0, 2).map((line) => line.replace(/=-?\d /, '=N ')),
    ['file=N 09.prom', 'fault=longer than 1 MiB'],
  );
  assert.match(lines[2] ?? '', /^file=9\d 10\.prom$/);
  assert.equal(lines.filter((line) => line.startsWith('file=')).length, 50);
  assert.equal(lines.at(-1), 'fault=more than 50 files');
});
