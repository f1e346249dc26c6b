import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseTextfiles, thingsOf } from '../../../src/report/checks/textfiles.ts';
import { codePoint } from '../../support/code-points.ts';

const one = (lines: string): string => {
  const [, file] = parseTextfiles(`stale=7200\nfile=60 a.prom\n${lines}`);
  return `${file?.state} ${file?.text} ${file?.figures.map(({ label, value }) => `${label}=${value}`).join(' ')}`;
};

const wear = (value: string, device = 'n'): string => `nvme_percentage_used_ratio{device="${device}"} ${value}`;

/** Samples of a file, and its state, text and figures. */
const samples: readonly (readonly [string, string])[] = [
  ['', '0 written 60 s ago age=60'],
  [wear('0.89'), '0 written 60 s ago age=60 nvme_used=0.89'],
  [wear('0.9'), '1 n: 90 % of its life used age=60 nvme_used=0.9'],
  [`${wear('1.1')}\n${wear('0.1', 'm')}`, '2 n: 110 % of its life used age=60 nvme_used=1.1'],
  ['smartmon_device_smart_healthy{disk="d",type="sat"} 1', '0 written 60 s ago age=60'],
  [
    'smartmon_offline_uncorrectable_raw_value{type="x",disk="d"} 1.0e+01',
    '1 d: 10 uncorrectable sectors age=60 uncorrectable_sectors=10 uncorrectable_sectors d=10',
  ],
  [
    'smartmon_grown_defects_count_raw_value{disk="d"} 3',
    '0 d: 3 defect sectors age=60 defect_sectors=3 defect_sectors d=3',
  ],
  ['nvme_critical_warning{device="n"} 1.0', '2 n: critical warning 1: little spare age=60 nvme_warnings=1'],
  ['nvme_critical_warning_total{} 2', '2 all: critical warning 2: too hot age=60 nvme_warnings=2'],
  ['nvme_critical_warning_total{device="n"} NaN', '3 n: nvme_warnings is unknown age=60 nvme_warnings=null'],
  ['nvme_critical_warning_total{device="n"} 0x04', '2 n: critical warning 4: degraded age=60 nvme_warnings=4'],
  [
    'nvme_critical_warning{device="n"} 42',
    '2 n: critical warning 42: too hot, read-only, persistent memory read-only age=60 nvme_warnings=42',
  ],
  ['nvme_critical_warning{device="n"} 64', '2 n: critical warning 64 age=60 nvme_warnings=64'],
  [
    'node_ipmi_sensor_state{name="PS Status"} NaN\nnode_ipmi_sensor_state{name="Fan"} 0.0',
    '0 written 60 s ago age=60 bad_sensors=0',
  ],
  [
    'node_ipmi_sensor_state{name="PS Status"} NaN\nnode_ipmi_sensor_state{name="Fan"} 2',
    '2 Fan: beyond a critical limit age=60 bad_sensors=1',
  ],
  ['node_ipmi_sensor_state{name="PS Status"} NaN', '3 PS Status: bad_sensors is unknown age=60 bad_sensors=null'],
  ['nvme_critical_warning_total{device="n"} 0x00', '0 written 60 s ago age=60 nvme_warnings=0'],
  ['smartmon_device_smart_healthy{disk="d"} NaN', '3 d: its health is unknown age=60'],
  // smartmon.sh writes 0 for the health of a disk that has no SMART, and finds none of NVMe disks.
  [
    'smartmon_device_smart_healthy{disk="d",type="scsi"} 0\nsmartmon_device_smart_available{disk="d",type="scsi"} 0\n' +
      'smartmon_device_smart_healthy{disk="e",type="sat"} 1\nsmartmon_device_smart_available{disk="e",type="sat"} 1',
    '0 d: has no SMART age=60',
  ],
  [
    'smartmon_device_smart_available{disk="d",type="scsi"} 0\nsmartmon_device_smart_healthy{disk="d",type="scsi"} 0\n' +
      'smartmon_device_smart_available{disk="e",type="sat"} 1\nsmartmon_device_smart_healthy{disk="e",type="sat"} 0',
    '2 d: has no SMART\ne: SMART: failing age=60',
  ],
  [
    'smartmon_device_smart_available{disk="n",type="nvme"} 0\nsmartmon_device_smart_healthy{disk="n",type="nvme"} 0',
    '2 n: SMART: failing, or smartctl had no answer age=60',
  ],
  [
    'smartmon_device_smart_available{disk="n",type="nvme"} 0\nsmartmon_device_smart_healthy{disk="n",type="nvme"} 1',
    '0 written 60 s ago age=60',
  ],
  [
    'smartmon_attr_raw_value{name="current_pending_sector",device="/dev/sda",disk="0"} 8',
    '1 /dev/sda: 8 pending sectors age=60 pending_sectors=8 pending_sectors /dev/sda=8',
  ],
  [
    'smartmon_device_smart_healthy{device="/dev/bus/0",disk="megaraid,1"} 0',
    '2 /dev/bus/0 megaraid,1: SMART: failing age=60',
  ],
  [
    'smartmon_device_smart_healthy{device="/dev/bus/0",disk="0"} 1\n' +
      'smartmon_device_smart_healthy{device="/dev/bus/0",disk="0"} 0',
    '2 smartmon_device_smart_healthy of /dev/bus/0 stands there more than once\n' +
      '/dev/bus/0 (2): SMART: failing age=60',
  ],
  [
    'node_ipmi_sensor_state{sensor="Fan",id="7"} 1\nnode_ipmi_sensor_state{sensor="Fan",id="8"} 2\n' +
      'node_ipmi_sensor_state{sensor="PSU",id="9"} 1',
    '2 Fan id=7: beyond a limit\nFan id=8: beyond a critical limit\nPSU: beyond a limit age=60 bad_sensors=3',
  ],
  [
    'apt_upgrades_pending{origin="a",arch="all"} 2\napt_upgrades_pending{origin="a",arch="amd64"} 30\n' +
      'apt_upgrades_pending{origin="b",arch="amd64"} 1',
    '0 a: 32 upgrades pending\nb: 1 upgrades pending age=60 upgrades=33 security_upgrades=0',
  ],
  ['apt_upgrades_pending{origin="",arch=""} 0', '0 written 60 s ago age=60 upgrades=0 security_upgrades=0'],
  ['apt_autoremove_pending 12', '0 written 60 s ago age=60 upgrades=0 security_upgrades=0'],
  [
    'apt_upgrades_pending{origin="Debian:13/stable"} ' +
      '30\napt_upgrades_pending{origin="Debian-Security:13/stable-security"} 4',
    '0 Debian:13/stable: 30 upgrades pending\nDebian-Security:13/stable-security: ' +
      '4 upgrades pending age=60 upgrades=34 security_upgrades=4',
  ],
  [
    'apt_upgrades_pending{origin="Debian-Security"} 4\napt_autoremove_pending 12.0',
    '0 Debian-Security: 4 upgrades pending age=60 upgrades=4 security_upgrades=4',
  ],
  ['megaraid_healthy{controller="0"} 1.0', '0 written 60 s ago age=60'],
  ['megaraid_healthy{controller="1"} 0.0', '1 /c1: not optimal age=60'],
  ['megaraid_failed{controller="1"} 1.0', '2 /c1: the controller has failed age=60 failed_controllers=1'],
  [
    'megaraid_battery_backup_healthy{controller="0"} 1\nmegaraid_battery_backup_healthy{controller="1"} 0',
    '0 /c1: no healthy battery age=60 bad_batteries=1',
  ],
  [
    'megaraid_pd_media_errors{controller="0",enclosure=" ",slot="2"} nan',
    '0 written 60 s ago age=60 raid_media_errors=null raid_media_errors /c0/e /s2=null',
  ],
  ['node_ipmi_sensor_state{id="1",name="PSU 1",type="x"} 2.0', '2 PSU 1: beyond a critical limit age=60 bad_sensors=1'],
  [
    'node_ipmi_sensor_state{id="1",name="Fan"} 1.0\nnode_ipmi_sensor_state{name="x"} 0.0',
    '1 Fan: beyond a limit age=60 bad_sensors=1',
  ],
  ['node_ipmi_chassis_fault{sensor="Drive Fault"} 1.000000', '2 Drive Fault: fault age=60 chassis_faults=1'],
  ['node_ipmi_temperature_celsius{sensor="t"} 94.9', '0 written 60 s ago age=60 hot_sensors=0'],
  ['node_ipmi_temperature_celsius{sensor="t"} 105', '2 t: 105 °C age=60 hot_sensors=1'],
  ['node_ipmi_speed_rpm{sensor="F"} 0.000000', '1 F: the fan stands still age=60 stopped_fans=1'],
  ['other_metric{a="b"} 1', '0 written 60 s ago age=60'],
  ['fault=line 2 is no sample', '3 line 2 is no sample age=60'],
  ['nvme_critical_warning{device="n"} 1x', '3 a line that is no sample, or more than a result holds age=60'],
  ['nvme_critical_warning_to', '3 a line that is no sample, or more than a result holds age=60'],
];

test('the worst sample of a file is its state', () => {
  for (const [lines, said] of samples) assert.equal(one(lines), said);
});

test('a folder has a result of its own, and a file without a time is stale', () => {
  const states = (output: string): string[] =>
    parseTextfiles(output).map(({ name, state, text }) => `${name} ${state} ${text}`);
  assert.deepEqual(states('stale=7200'), [' 3 no *.prom file']);
  assert.deepEqual(states('stale=7200\nfault=more'), [' 3 more']);
  assert.deepEqual(states('stale=60\nfile=61 a.prom\nfile=-5 b.prom'), [
    ' 0 2 files',
    'a 1 not written for 61 s',
    'b 0 written -5 s ago',
  ]);
  assert.deepEqual(states('stale=60\nfile=x'), [' 0 1 file', ' 1 not written for NaN s']);
});

for (const [metric, things] of thingsOf) {
  test(`two things of ${metric} that differ in one label are both told`, () => {
    for (const label of things) {
      const [first, second] = ['a,1', 'b,2'].map((value) => {
        const labels = things.map((name) => `${name}="${name === label ? value : 'same'}"`);
        const bad = /healthy|rpm/.test(metric) ? '0' : '200';
        return `${metric}{${labels.join(',')}} ${bad}`;
      });
      const [, file] = parseTextfiles(`stale=7200\nfile=60 a.prom\n${first}\n${second}`);
      if (metric !== 'apt_autoremove_pending') {
        const told = (file?.text ?? '').split('\n');
        assert.equal(new Set(told).size, 2, `${label}: ${file?.text}`);
      }
      const figures = file?.figures.map((one) => one.label) ?? [];
      assert.equal(new Set(figures).size, figures.length, `${label}: ${figures.join(' ')}`);
    }
  });
}

test('no output makes it throw', () => {
  fc.assert(fc.property(fc.string({ unit: codePoint }), (text) => parseTextfiles(`file=1 a.prom\n${text}`).length > 1));
});
