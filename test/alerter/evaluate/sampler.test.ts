import assert from 'node:assert/strict';
import { test } from 'node:test';

import { observe, rowOfLines, said } from '../support/observe.ts';
import { paragraphsOf } from '../support/story.ts';

/** Cases, a paragraph each: a name, alerts, the content of a row (see observe.ts), and the samples. */
const cases = paragraphsOf(`
  cpu holds at its limit
    <alert type="cpu" limit="90%"/>
    row cpu_percent=90
    > cpu: critical (90 %; at least 90 %)

  a limit is shown as it was written, with more decimals than values have
    <alert type="swap" limit="0.95"/>
    <alert type="load" limit="1.125"/>
    <alert type="clock-offset" limit="0.25"/>
    row swap_percent=0.987, load5=5, cpus=4, clockOffsetMs=300
    > swap: critical (1 %; at least 0.95 %)
    > load: critical (1.25 per CPU; at least 1.125 per CPU)
    > clock-offset: warning (0.3s ahead; at least 0.25s)

  cpu below its limit is clear two points further down
    <alert type="cpu" limit="90%"/>
    row cpu_percent=88
    > cpu: none, not clear (88 %; at least 90 %)

  a value that is not known is unknown, never 0
    <alert type="cpu" limit="90%"/>
    <alert type="memory" op="lt" limit="10%"/>
    <alert type="swap" op="le" limit="1%"/>
    row cpu_percent=?, memory_percent=?, swap_percent=?
    > cpu: unknown (unknown; at least 90 %)
    > memory: unknown (unknown; less than 10 %)
    > swap: unknown (unknown; at most 1 %)

  memory is used percent
    <alert type="memory" warning="80%" critical="95%"/>
    row memory_percent=85.04
    > memory: warning (85 %; at least 80 %)

  load is load5 per CPU
    <alert type="load" limit="1.5" severity="warning"/>
    row load1=99, load5=6, cpus=4
    > load: warning (1.5 per CPU; at least 1.5 per CPU)

  load of a machine with one CPU
    <alert type="load" limit="1.5"/>
    row load5=2, cpus=1
    > load: critical (2 per CPU; at least 1.5 per CPU)

  load without a count of CPUs is unknown
    <alert type="load" limit="1.5"/>
    row load5=6, cpus=?
    > load: unknown (unknown; at least 1.5 per CPU)

  load without a load is unknown
    <alert type="load" limit="1.5"/>
    row load5=?, cpus=4
    > load: unknown (unknown; at least 1.5 per CPU)

  load of a machine that counts no CPU is unknown
    <alert type="load" limit="1.5"/>
    row load5=6, cpus=0
    > load: unknown (unknown; at least 1.5 per CPU)

  uptime below a time
    <alert type="uptime" op="lt" limit="15m" severity="warning"/>
    row uptime_s=200
    > uptime: warning (3m 20s; less than 15m)

  processes
    <alert type="processes" limit="500"/>
    row processes=612
    > processes: critical (612; at least 500)

  reboot-required holds or not
    <alert type="reboot-required" severity="warning"/>
    row reboot_required=1
    > reboot-required: warning (a reboot is pending)

  reboot-required that holds no more says so
    <alert type="reboot-required" severity="warning"/>
    row reboot_required=0
    > reboot-required: none (no reboot pending)

  clock-offset counts whichever way the clock is off
    <alert type="clock-offset" limit="30s" severity="warning"/>
    row clockOffsetMs=-92000
    > clock-offset: warning (1m 32s behind; at least 30s)

  network-errors adds both directions
    <alert type="network-errors" interface="eth*" limit="1"/>
    network interface=eth0, rx_errors_per_s=0.4, tx_errors_per_s=0.6
    network interface=eth1, rx_errors_per_s=?
    network interface=eth2, rx_errors_per_s=0.125, tx_errors_per_s=2
    network interface=wlan0, rx_errors_per_s=9
    > network-errors interface=eth* eth0: critical (1/s; at least 1/s)
    > network-errors interface=eth* eth1: unknown (unknown; at least 1/s)
    > network-errors interface=eth* eth2: critical (2.13/s; at least 1/s)

  failed units that a rule matches
    <alert type="service" unit="nginx*,!nginx-test.service"/>
    row failed_units=3
    failed_unit unit=nginx.service, failed=1
    failed_unit unit=nginx-test.service, failed=1
    failed_unit unit=cron.service, failed=1
    > service unit=nginx*,!nginx-test.service nginx.service: warning (failed)

  units that are expected to be active
    <alert type="service" name="web" unit="nginx,php-fpm,gone" state="active"/>
    unit unit=nginx.service, state=active, active=1
    unit unit=php-fpm.service, state=inactive, active=0
    > web nginx.service: none (active)
    > web php-fpm.service: critical (inactive)
    > web gone.service: unknown (unknown)

  a unit that one rule expects to be active is not evaluated as failed by another
    <alert type="service" name="web" unit="nginx" state="active"/>
    <alert type="service" name="all"/>
    row failed_units=2
    unit unit=nginx.service, state=failed, active=0
    failed_unit unit=nginx.service, failed=1
    failed_unit unit=cron.service, failed=1
    > all cron.service: warning (failed)
    > web nginx.service: critical (failed)

  process: at least one unless min or max is said
    <alert type="process" name="one" match="sshd"/>
    <alert type="process" name="some" match="worker*" min="2" max="4"/>
    <alert type="process" name="few" match="cron" limit="1" op="gt"/>
    process_match match=sshd, count=0
    process_match match=worker*, count=5
    process_match match=cron, count=1
    > one sshd: critical (0 processes; fewer than 1)
    > some worker*: critical (5 processes; fewer than 2 or more than 4)
    > few cron: none (1 process; more than 1)

  process that the report was not asked for is unknown
    <alert type="process" match="sshd"/>
    report
    > process match=sshd sshd: unknown (unknown; fewer than 1)

  zombies
    <alert type="zombies" limit="10"/>
    processes total=200, zombies=14
    > zombies: critical (14; at least 10)

  temperature by sensor
    <alert type="temperature" sensor="coretemp/*" warning="80" critical="95"/>
    temperature sensor=coretemp/Core 0, celsius=81.5
    temperature sensor=coretemp/Core 1, celsius=?
    temperature sensor=nvme/Composite, celsius=99
    > temperature sensor=coretemp/* coretemp/Core 0: warning (81.5 °C; at least 80 °C)
    > temperature sensor=coretemp/* coretemp/Core 1: unknown (unknown; at least 80 °C)

  any metric, from a column
    <alert metric="load_load15" limit="8"/>
    row load15=9.5
    > load_load15: critical (9.5; at least 8)

  any metric, from the disks, by the globs of its labels
    <alert metric="disk_used_bytes" fstype="nfs*" limit="1GiB"/>
    disk mount=/, used_bytes=5GiB
    disk mount=/srv, fstype=nfs4, scope=network, used_bytes=2.5GiB
    > disk_used_bytes fstype=nfs* /srv: critical (2.5 GiB; at least 1 GiB)

  any metric, from the interfaces
    <alert metric="network_link_up" op="eq" limit="0"/>
    network interface=eth0, link_up=0
    > network_link_up eth0: critical (0; exactly 0)

  any metric, from the report; of two processes of one name the worst
    <alert metric="process_memory_resident_bytes" process="java*" limit="8GiB"/>
    process_memory process=java, pid=1, resident_bytes=9GiB
    process_memory process=java, pid=2, resident_bytes=1GiB
    process_memory process=mysqld, pid=3, resident_bytes=99GiB
    > process_memory_resident_bytes process=java* java: critical (9 GiB; at least 8 GiB)

  the worst of two processes of one name counts whichever comes first, and a known value before an unknown one
    <alert metric="process_memory_resident_bytes" process="*" warning="4GiB" critical="8GiB" clear="2GiB"/>
    process_memory process=a, pid=1, resident_bytes=5GiB
    process_memory process=a, pid=2, resident_bytes=9GiB
    process_memory process=b, pid=3, resident_bytes=5GiB
    process_memory process=b, pid=4, resident_bytes=3GiB
    process_memory process=c, pid=5, resident_bytes=1GiB
    process_memory process=c, pid=6, resident_bytes=3GiB
    process_memory process=d, pid=7, resident_bytes=?
    process_memory process=d, pid=8, resident_bytes=1GiB
    process_memory process=e, pid=9, resident_bytes=3GiB
    process_memory process=e, pid=10, resident_bytes=4GiB
    > process_memory_resident_bytes process=* a: critical (9 GiB; at least 8 GiB)
    > process_memory_resident_bytes process=* b: warning (5 GiB; at least 4 GiB)
    > process_memory_resident_bytes process=* c: none, not clear (3 GiB; at least 4 GiB)
    > process_memory_resident_bytes process=* d: none (1 GiB; at least 4 GiB)
    > process_memory_resident_bytes process=* e: warning (4 GiB; at least 4 GiB)

  rules for the whole client are all evaluated
    <alert type="cpu" name="a" limit="99%"/>
    <alert type="cpu" name="b" limit="50%"/>
    <alert type="cpu" name="c" limit="60%" also="yes"/>
    row cpu_percent=70
    > a: none (70 %; at least 99 %)
    > b: critical (70 %; at least 50 %)
    > c: critical (70 %; at least 60 %)

  disk evaluates writable local file systems only
    <alert type="disk" limit="90%"/>
    disk mount=/, used_percent=95
    disk mount=/srv, fstype=nfs4, source=nas:/srv, scope=network, used_percent=99
    disk mount=/cd, mode=ro, used_percent=100
    > disk /: critical (95 % used, 50 of 100 GiB free; at least 90 %)

  disk evaluates a network mount that is named, and what fstype says whatever it is
    <alert type="disk" name="srv" mount="/srv" limit="90%"/>
    <alert type="disk" name="nfs" fstype="nfs*" limit="80%"/>
    disk mount=/srv, fstype=nfs4, source=nas:/srv, scope=network, used_percent=85
    disk mount=/home, fstype=nfs, source=nas:/home, scope=network, used_percent=85
    > srv /srv: none (85 % used, 50 of 100 GiB free; at least 90 %)
    > nfs /home: critical (85 % used, 50 of 100 GiB free; at least 80 %)

  a glob over mounts does not name network mounts
    <alert type="disk" mount="/s*" limit="80%"/>
    disk mount=/srv, fstype=nfs4, source=nas:/srv, scope=network, used_percent=85

  of two mounts of one device the first listed counts, which it is named after, unless the other is named
    <alert type="disk" limit="90%"/>
    <alert type="disk" name="bound" mount="/b" limit="80%" also="yes"/>
    disk mount=/srv, source=/dev/sdb1, used_percent=92
    disk mount=/a, source=/dev/sdb1, used_percent=92
    disk mount=/b, source=/dev/sdb1, used_percent=92
    > disk /srv: critical (92 % used, 50 of 100 GiB free; at least 90 %)
    > bound /b: critical (92 % used, 50 of 100 GiB free; at least 80 %)

  two tmpfs are two file systems, as are two pools, and datasets of one pool are one
    <alert type="disk" limit="90%"/>
    disk mount=/tmp, fstype=tmpfs, source=tmpfs, used_percent=92
    disk mount=/run, fstype=tmpfs, source=tmpfs, used_percent=92
    disk mount=/pool, fstype=zfs, source=tank, used_percent=92
    disk mount=/pool/a, fstype=zfs, source=tank/a, used_percent=92
    disk mount=/other, fstype=zfs, source=rpool/b, used_percent=92
    > disk /tmp: critical (92 % used, 50 of 100 GiB free; at least 90 %)
    > disk /run: critical (92 % used, 50 of 100 GiB free; at least 90 %)
    > disk /pool: critical (92 % used, 50 of 100 GiB free; at least 90 %)
    > disk /other: critical (92 % used, 50 of 100 GiB free; at least 90 %)

  the rule that names a mount evaluates it; also exempts
    <alert type="disk" name="var" mount="/var" limit="99%"/>
    <alert type="disk" name="rest" limit="80%"/>
    <alert type="disk" name="too" limit="70%" also="yes" severity="warning"/>
    disk mount=/, used_percent=90
    disk mount=/var, used_percent=90
    > rest /: critical (90 % used, 50 of 100 GiB free; at least 80 %)
    > too /: warning (90 % used, 50 of 100 GiB free; at least 70 %)
    > var /var: none (90 % used, 50 of 100 GiB free; at least 99 %)
    > too /var: warning (90 % used, 50 of 100 GiB free; at least 70 %)

  an exclusion leaves a mount to another rule
    <alert type="disk" name="a" mount="!/var" limit="80%"/>
    <alert type="disk" name="b" limit="95%"/>
    disk mount=/, used_percent=90
    disk mount=/var, used_percent=90
    > a /: critical (90 % used, 50 of 100 GiB free; at least 80 %)
    > b /var: none (90 % used, 50 of 100 GiB free; at least 95 %)

  free beside a percent: both must hold
    <alert type="disk" limit="90%" free="2TiB"/>
    disk mount=/a, available_bytes=3000GiB, used_percent=93
    disk mount=/b, available_bytes=1000GiB, used_percent=93
    disk mount=/c, available_bytes=?, used_percent=93
    disk mount=/d, available_bytes=?, used_percent=10
    disk mount=/e, available_bytes=2048GiB, used_percent=93
    > disk /a: none (93 % used, 2.93 TiB of 100 GiB free; at least 90 % and less than 2 TiB free)
    > disk /b: critical (93 % used, 1000 of 100 GiB free; at least 90 % and less than 2 TiB free)
    > disk /c: unknown (93 %; at least 90 % and less than 2 TiB free)
    > disk /d: none (10 %; at least 90 % and less than 2 TiB free)
    > disk /e: none (93 % used, 2 TiB of 100 GiB free; at least 90 % and less than 2 TiB free)

  disk-free holds below its limit
    <alert type="disk-free" warning="20GiB" critical="5GiB"/>
    disk mount=/a, available_bytes=10GiB
    disk mount=/b, available_bytes=4.5GiB
    disk mount=/c, available_bytes=20GiB
    > disk-free /a: warning (10 GiB; less than 20 GiB)
    > disk-free /b: critical (4.5 GiB; less than 5 GiB)
    > disk-free /c: none (20 GiB; less than 20 GiB)

  inodes
    <alert type="inodes" limit="90%" severity="warning"/>
    disk mount=/, inodes_percent=97
    disk mount=/zfs, inodes_percent=?
    > inodes /: warning (97 %; at least 90 %)
    > inodes /zfs: unknown (unknown; at least 90 %)

  mount expects each of its paths
    <alert type="mount" name="data" mount="/data,/srv"/>
    disk mount=/
    disk mount=/srv
    > data /data: critical (not mounted)
    > data /srv: none (mounted)

  mount is unknown where the disks are
    <alert type="mount" name="data" mount="/data"/>
    row unresponsive_mounts=?, probe_errors=1
    no disks
    > data /data: unknown (unknown)
`);

for (const { name, elements, happens, notified } of cases) {
  test(name, () => assert.deepEqual(said(elements, rowOfLines(happens)), notified));
}

for (const { op, value, level } of [
  { op: 'ge', value: 5, level: 'critical' },
  { op: 'gt', value: 5, level: 'none' },
  { op: 'gt', value: 5.1, level: 'critical' },
  { op: 'le', value: 5, level: 'critical' },
  { op: 'lt', value: 5, level: 'none' },
  { op: 'lt', value: 4.9, level: 'critical' },
  { op: 'eq', value: 5, level: 'critical' },
  { op: 'eq', value: 4, level: 'none' },
  { op: 'ne', value: 5, level: 'none' },
  { op: 'ne', value: 4, level: 'critical' },
] as const) {
  test(`${value} ${op} 5 is ${level}`, () => {
    const { samples } = observe(`<alert metric="load_load1" op="${op}" limit="5"/>`, { row: { load1: value } });
    const sample = samples.find(({ rule }) => rule.metric === 'load_load1');
    assert.equal(sample?.level, level);
    assert.equal(sample.clear, level === 'none');
  });
}
