// Second tier: many visits; requested-checks.test.ts reads a textfile
/** Folders with *.prom files, read by each agent with equal results. */
import assert from 'node:assert/strict';
import { chownSync, copyFileSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { checkStats, measuredChecks } from '../../../src/report/checks/checks.ts';
import { checkReadings } from '../../../src/report/checks/readings.ts';
import { checkAgents, checkClient, type CheckVisit } from '../../support/clients/check-client.ts';

const testdata = path.join(import.meta.dirname, '../../testdata/textfiles');

/** Returns one line a result. Ages of a few seconds are replaced by placeholders. */
function said({ checks }: CheckVisit): string[] {
  return checkStats({ datetime: new Date().toISOString(), checks }).map(({ check_name: name, state, text, perfdata }) =>
    `${name} ${state} ${text} | ${perfdata}`.replace(/written \d+ s/, 'written N s').replace(/age=\d{1,2}s/, 'age=Ns'),
  );
}

for (const agent of checkAgents) {
  test(`known metrics of *.prom files become results (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'text files');
    mkdirSync(dir);
    for (const name of ['smartmon', 'apt', 'nvme'])
      copyFileSync(path.join(testdata, `${name}.prom`), `${dir}/${name}.prom`);
    client.conf(`textfile "${dir}" stale=1h\n`);
    const visited = await client.visit();
    assert.deepEqual(visited.refused, []);
    assert.deepEqual(said(visited), [
      `textfile:${dir} 0 3 files | `,
      'textfile:apt 0 Debian:12.12/oldstable: 30 upgrades pending\nDebian-Security:12/oldstable-security: 4 upgrades ' +
        'pending | age=Ns upgrades=34 security_upgrades=4',
      'textfile:nvme 1 nvme1n1: 2 media errors\nnvme1n1: 93 % of its life used | age=Ns nvme_warnings=0 ' +
        "nvme_used=93% nvme_media_errors=2 'nvme_media_errors nvme0n1'=0 'nvme_media_errors nvme1n1'=2",
      'textfile:smartmon 2 /dev/sdb: 16 pending sectors\n/dev/sdb: SMART: failing\n/dev/sdb: 8 reallocated sectors | ' +
        "age=Ns reallocated_sectors=8 pending_sectors=16 uncorrectable_sectors=0 'pending_sectors /dev/sda'=0 " +
        "'pending_sectors /dev/sdb'=16 'reallocated_sectors /dev/sdb'=8",
    ]);
  });

  test(`no pending upgrades are a count of 0 (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    mkdirSync(dir);
    // apt_info.py of Debian 13 prints no sample of apt_upgrades_pending if no upgrade is pending.
    writeFileSync(`${dir}/apt.prom`, '# TYPE apt_upgrades_pending gauge\napt_autoremove_pending 12\n');
    client.conf(`textfile ${dir}\n`);
    assert.equal(
      said(await client.visit())[1],
      'textfile:apt 0 written N s ago | age=Ns upgrades=0 security_upgrades=0',
    );
  });

  test(`controllers of RAID and sensors of a BMC are evaluated (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    mkdirSync(dir);
    for (const name of ['storcli', 'ipmitool_sensor'])
      copyFileSync(path.join(testdata, `${name}.prom`), `${dir}/${name}.prom`);
    writeFileSync(
      `${dir}/odd.prom`,
      ['89.9', '+9e1', '-40', 'NaN']
        .map((value) => `node_ipmi_temperature_celsius{sensor="${value}"} ${value}\n`)
        .join(''),
    );
    client.conf(`textfile ${dir}\n`);
    const visited = await client.visit();
    assert.deepEqual(said(visited), [
      `textfile:${dir} 0 3 files | `,
      'textfile:ipmitool_sensor 1 VRM Temp: 97 °C\nFAN2: the fan stands still | age=Ns stopped_fans=1 hot_sensors=1',
      'textfile:odd 3 NaN: hot_sensors is unknown | age=Ns hot_sensors=U',
      'textfile:storcli 2 /c1: no healthy battery\n/c1: an array is degraded\n/c1: not optimal\n' +
        '/c1/e252/s0: 7 media errors\n/c1/e252/s0: 2 predicted failures\n/c1/e252/s0: SMART: failing | age=Ns ' +
        'failed_controllers=0 degraded_controllers=1 bad_batteries=1 raid_smart_alerts=1 raid_predictive_errors=2 ' +
        'raid_media_errors=7 ' +
        "'raid_media_errors /c0/e252/s0'=0 'raid_media_errors /c1/e252/s0'=7",
    ]);
    const lines = visited.checks[0]?.output.split('\n') ?? [];
    assert.deepEqual(
      lines.filter((line) => /sensor="[-+.\da-z]+"/i.test(line) && !line.includes('FAN')),
      ['89.9', '+9e1', 'NaN'].map((value) => `node_ipmi_temperature_celsius{sensor="${value}"} ${value}`),
    );
  });

  test(`samples that a line asks for become readings (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    mkdirSync(dir);
    for (const name of ['smartmon', 'apt', 'nvme'])
      copyFileSync(path.join(testdata, `${name}.prom`), `${dir}/${name}.prom`);
    writeFileSync(
      `${dir}/own.prom`,
      'node_MD:x 1 1700000000\nother 2\nnode_long{a="' + 'x'.repeat(300) + '"} 3\n# x\nnode_q{a="\\"}\\\\"} 4\r\n',
    );
    client.conf(
      `textfile ${dir} metrics=node_*,*_device_smart_healthy,nvme_percentage_used_ratio,apt_upgrades_pending\n`,
    );
    const readings = async () => {
      const { checks } = await client.visit();
      const all = checkReadings(measuredChecks({ datetime: new Date().toISOString(), checks }));
      return all.flatMap(({ metric, labels, value }) => (metric.includes(' ') ? [] : [`${metric} ${labels} ${value}`]));
    };
    assert.deepEqual(await readings(), [
      'apt_upgrades_pending {"arch":"all","origin":"Debian:12.12/oldstable"} 0',
      'apt_upgrades_pending {"arch":"amd64","origin":"Debian:12.12/oldstable"} 30',
      'apt_upgrades_pending {"arch":"amd64","origin":"Debian-Security:12/oldstable-security"} 4',
      'node_reboot_required {} 0',
      'nvme_percentage_used_ratio {"device":"nvme0n1"} 0.03',
      'nvme_percentage_used_ratio {"device":"nvme1n1"} 0.93',
      'node_MD:x {} 1',
      'node_q {"a":"\\"}\\\\"} 4',
      'smartmon_device_smart_healthy {"disk":"/dev/sda","type":"sat"} 1',
      'smartmon_device_smart_healthy {"disk":"/dev/sdb","type":"sat"} 0',
    ]);
    const lines = Array.from({ length: 2500 }, (_, at) => `node_s{number="${at}",quoted="\\\\"} 1234567`);
    writeFileSync(`${dir}/a.prom`, `${lines.join('\n')}\n`);
    const many = (await readings()).filter((line) => line.startsWith('node_s'));
    assert.ok(many.length > 500 && many.every((line) => line.endsWith('1234567')), `${many.length} samples`);
    assert.deepEqual(said(await client.visit()).slice(0, 3), [
      `textfile:${dir} 0 5 files, and more samples than the ${many.length} that a result holds | `,
      'textfile:a 0 written N s ago | age=Ns',
      'textfile:apt 0 Debian:12.12/oldstable: 30 upgrades pending\nDebian-Security:12/oldstable-security: 4 upgrades ' +
        'pending | age=Ns upgrades=34 security_upgrades=4',
    ]);
  });

  test(`stale, broken and missing files are reported (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    const put = (name: string, content: string): string => {
      const file = path.join(dir, `${name}.prom`);
      writeFileSync(file, content);
      return file;
    };
    mkdirSync(dir);
    client.conf(`textfile ${dir}\ntextfile /no/such/folder\n`);
    const absent = 'textfile:/no/such/folder 3 cannot read /no/such/folder | ';
    const visit = async (): Promise<string[]> =>
      said(await client.visit()).map((line) => line.replace(/(cannot read \S+): \w+/, '$1'));
    assert.deepEqual(await visit(), [`textfile:${dir} 3 no *.prom file | `, absent]);
    const old = put('old', 'up 1\n');
    utimesSync(old, new Date(), new Date(Date.now() - 100_000_000));
    put('broken', 'up 1\n<html>\n nvme_critical_warning_total {device="nvme0"}0\n<more>\nup nan\n');
    put('worse', '{"nvme_critical_warning", device="nvme0n1"} 4.0\nnvme_x{ 1\n');
    put('long', '# x\n'.repeat(262_145));
    const quoted = '{"a.b", "c d"="e"} 1\n';
    const odd = '\n  # comment\nmy:metric{a="}"} NaN\nx -1e5 1700000000\nnvme_media_errors_total{device="a"} NaN\n';
    put('odd', odd + quoted);
    put('empty', '');
    writeFileSync(path.join(dir, '.hidden.prom'), '<');
    writeFileSync(path.join(dir, 'other.prom.tmp'), '<');
    mkdirSync(path.join(dir, 'folder.prom'));
    const lines = (await visit()).map((line) => line.replace(/1000000\d\d|1000\d\d/g, '1000NN'));
    assert.deepEqual(lines, [
      `textfile:${dir} 0 6 files | `,
      'textfile:broken 3 line 2 is no sample | age=Ns nvme_warnings=0',
      'textfile:empty 0 written N s ago | age=Ns',
      'textfile:long 3 longer than 1 MiB | age=Ns',
      "textfile:odd 0 written N s ago | age=Ns nvme_media_errors=U 'nvme_media_errors a'=U",
      'textfile:old 1 not written for 1000NN s | age=1000NNs',
      'textfile:worse 2 line 2 is no sample\nnvme0n1: critical warning 4: degraded | age=Ns nvme_warnings=4',
      absent,
    ]);
    rmSync(dir, { recursive: true });
    assert.deepEqual(await visit(), [`textfile:${dir} 3 cannot read ${dir} | `, absent]);
  });

  test(`no link is followed, and no line of a file is quoted (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    mkdirSync(dir);
    const secret = path.join(client.home, 'secret');
    writeFileSync(secret, 'backup_password 1234\npassword: hunter2\n');
    symlinkSync(secret, path.join(dir, 'a.prom'));
    symlinkSync('/etc/shadow', path.join(dir, 'b.prom'));
    symlinkSync('/nowhere', path.join(dir, 'c.prom'));
    symlinkSync(client.home, path.join(dir, 'd.prom'));
    copyFileSync(secret, path.join(dir, 'e.prom'));
    client.conf(`textfile ${dir} metrics=*\n`);
    const { checks } = await client.visit();
    assert.deepEqual(said({ checks } as CheckVisit).slice(1), [
      ...['a', 'b', 'c', 'd'].map((name) => `textfile:${name} 3 a link | age=Ns`),
      'textfile:e 3 line 2 is no sample | age=Ns',
    ]);
    assert.equal(JSON.stringify(checks).includes('hunter2'), false);
    assert.equal(JSON.stringify(checks).split('1234').length, 2, 'the sample of the copy alone');
  });

  test(`files of other accounts are not read (${agent.name})`, { skip: process.getuid?.() !== 0 }, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'files');
    mkdirSync(dir);
    for (const name of ['folder-owner', 'other', 'root']) writeFileSync(path.join(dir, `${name}.prom`), 'up 1\n');
    chownSync(dir, 12_345, 12_345);
    chownSync(path.join(dir, 'folder-owner.prom'), 12_345, 12_345);
    chownSync(path.join(dir, 'other.prom'), 23_456, 23_456);
    client.conf(`textfile ${dir} metrics=*\n`);
    assert.deepEqual(said(await client.visit()).slice(1), [
      'textfile:folder-owner 0 written N s ago | age=Ns',
      'textfile:other 3 of another account | age=Ns',
      'textfile:root 0 written N s ago | age=Ns',
    ]);
  });

  test(`lines that name no folder are refused (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const wrong = [
      'textfile',
      'textfile relative',
      'textfile /a stale=0',
      'textfile /a b',
      'textfile /a stale=x',
      'textfile /a(b',
      'textfile /a metrics=a,',
      'textfile /a metrics=a(b',
    ];
    const file = client.conf([...wrong, 'x format=textfile textfile /tmp 1'].join('\n'));
    const { checks, refused } = await client.visit();
    assert.deepEqual(checks, []);
    assert.deepEqual(refused, [
      ...wrong.map((_, at) => ({ path: `${file}:${at + 1}`, why: 'textfile takes an absolute path' })),
      { path: `${file}:9`, why: 'not a line of NAME and COMMAND' },
    ]);
  });
}
