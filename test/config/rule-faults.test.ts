import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertFault, casesOf, faults, warnings } from './support/config-files.ts';

/** The content of a client, and the expected message. The alerts begin on line 3. */
const table = casesOf(`
<alert/>
  <alert> does not say what it evaluates; write type="...", metric="..." or the name of a rule
<alert limit="5%"/>
  <alert> does not say what it evaluates
<alert type="dsik" limit="5%"/>
  <alert> type="dsik" is none of cpu, memory, swap
<alert type="cpu" metric="cpu_used_percent" limit="5%"/>
  <alert> "cpu": type and metric are both written; keep one of them
<alert metric="cpu_used_precent" limit="5%"/>
  <alert> "cpu_used_precent": there is no metric "cpu_used_precent"; did you mean "cpu_used_percent"?
<alert metric="loadd5" limit="5"/>
  <alert> "loadd5": there is no metric "loadd5"; did you mean "load_load5"?
<alert name="unreachabel" for="15m"/>
  <alert> "unreachabel" names no rule further out, no default and no condition; did you mean "unreachable"?
<alert name="nonsense" limit="5"/>
  <alert> "nonsense" names no rule further out, no default and no condition; write type="..." too
<alert name="collector-silent" for="1h"/>
  <alert> "collector-silent" concerns the whole fleet; write it into <alerts>
<alert name="unreachable" type="cpu" limit="5%"/>
  <alert> "unreachable" has the name of a condition; give it another name, or leave type and metric out to tune it
<alert name="unreachable" limit="5"/>
  <alert> "unreachable": unreachable is a condition, which takes for, repeat, severity, mail, note, flapping and
    enabled; remove limit
<alert name="rebooted" for="2x"/>
  <alert> "rebooted": for has no meaning here, people are notified at once; remove it
# Limits and their units.
<alert type="cpu"/>
  <alert> "cpu": lacks a limit; write limit="...", or warning="..." and critical="..."; type cpu takes percent from 0
    to 100, like 85%
<alert type="cpu" limit="101%"/>
  <alert> "cpu": limit="101%" does not fit; type cpu takes percent from 0 to 100, like 85%
<alert type="cpu" limit="many"/>
  <alert> "cpu": limit="many" does not fit; type cpu takes percent from 0 to 100, like 85%
<alert type="cpu" limit="5m"/>
  <alert> "cpu": limit="5m" does not fit; type cpu takes percent
<alert type="disk" limit="20GiB"/>
  <alert> "disk": limit="20GiB" does not fit; type disk takes percent from 0 to 100, like 85% (type disk-free takes
    bytes)
<alert type="disk-free" limit="20%"/>
  <alert> "disk-free": limit="20%" does not fit; type disk-free takes a size, like 20GiB
<alert type="uptime" limit="20%"/>
  <alert> "uptime": limit="20%" does not fit; type uptime takes a time
<alert type="load" limit="20%"/>
  <alert> "load": limit="20%" does not fit; type load takes a bare number
<alert type="temperature" limit="80%"/>
  <alert> "temperature": limit="80%" does not fit; type temperature takes a bare number
<alert metric="memory_total_bytes" limit="5m"/>
  <alert> "memory_total_bytes": limit="5m" does not fit; this metric takes a size, like 20GiB
<alert type="cpu" limit="5%" warning="4%"/>
  <alert> "cpu": limit stands beside warning or critical; keep limit, or warning and critical
<alert type="cpu" warning="4%" critical="5%" severity="warning"/>
  <alert> "cpu": severity stands beside warning or critical, which say it; remove severity
<alert type="cpu" warning="95%" critical="85%"/>
  <alert> "cpu": warning must be below critical with op="ge"; exchange them
<alert type="cpu" warning="95%" critical="95%"/>
  <alert> "cpu": warning must be below critical with op="ge"; exchange them
<alert type="disk-free" warning="1GiB" critical="5GiB"/>
  <alert> "disk-free": warning must be above critical with op="lt"; exchange them
<alert type="load" op="eq" warning="1" critical="2"/>
  <alert> "load": op="eq" has no two levels; write limit
<alert type="cpu" limit="85%" clear="90%"/>
  <alert> "cpu": clear must not be above the lowest limit, or it would never end; mend one of them
<alert type="disk-free" limit="5GiB" clear="1GiB"/>
  <alert> "disk-free": clear must not be below the lowest limit, or it would never end; mend one of them
<alert type="load" op="ne" limit="0" clear="1"/>
  <alert> "load": clear has no meaning with op="ne"; remove it
<alert type="cpu" op="greater" limit="5%"/>
  <alert> op="greater" is none of ge, gt, le, lt, eq, ne
<alert type="cpu" limit="5%" severity="fatal"/>
  <alert> severity="fatal" is none of warning, critical
<alert type="cpu" limit="5%" for="twice"/>
  <alert> for="twice" is neither a duration nor a count; write it like 15m, or 2x for two rows in a row
<alert type="cpu" limit="5%" for="0x"/>
  <alert> for="0x" is neither a duration nor a count
<alert type="reboot-required" limit="1"/>
  <alert> "reboot-required": type reboot-required holds or not; remove limit
<alert type="mount" mount="/data" op="ge"/>
  <alert> "mount mount=/data": type mount holds or not; remove op
<alert type="outlier" limit="5"/>
  <alert> "outlier": type outlier holds or not; remove limit
# Selectors belong to one type.
<alert type="outlier" metric="cpu,memry"/>
  <alert> "outlier metric=cpu,memry": metric="cpu,memry": "memry" is none of cpu, memory, load, swap, processes,
    temperature, mount, received, sent; did you mean "memory"?
<alert type="outlier" metric="cpu" mount="/"/>
  <alert> "outlier metric=cpu mount=/": type outlier has no selector mount; its selectors are metric, group
<alert type="cpu" group="web" limit="5%"/>
  <alert> "cpu group=web": type cpu has no selector group; it has no selectors
<alert type="cpu" mount="/" limit="5%"/>
  <alert> "cpu mount=/": type cpu has no selector mount; it has no selectors
<alert type="disk" unit="x" limit="5%"/>
  <alert> "disk unit=x": type disk has no selector unit; its selectors are mount, fstype, source
<alert metric="disk_used_percent" sensor="x" limit="5%"/>
  <alert> "disk_used_percent sensor=x": metric disk_used_percent has no selector sensor; its selectors are mount
<alert type="cpu" limit="5%" free="2TiB"/>
  <alert> "cpu": free belongs to type disk, beside a percent; use type disk-free for bytes alone
<alert type="disk" limit="5%" free="lots"/>
  <alert> free="lots" is no size; write it like 500MiB, 20GiB or 1.5TiB
<alert type="mount"/>
  <alert> "mount": lacks mount; write mount="..."
<alert type="mount" mount="/data*"/>
  <alert> "mount mount=/data*": mount must name paths that are expected, without patterns; write them like /data,/srv
<alert type="mount" mount="data"/>
  <alert> "mount mount=data": mount must name paths that are expected
<alert type="service" state="activ" unit="x"/>
  <alert> "service unit=x": state="activ" is neither failed nor active; did you mean "active"?
<alert type="service" state="active"/>
  <alert> "service": state="active" must name the units that are expected, without patterns; write
    unit="nginx.service"
<alert type="service" state="active" unit="nginx*"/>
  <alert> "service unit=nginx*": state="active" must name the units
<alert type="service" state="active" unit="!nginx"/>
  <alert> "service unit=!nginx": state="active" must name the units
<alert type="cpu" state="active" limit="5%"/>
  <alert> "cpu": state belongs to type service; remove it
<alert type="process"/>
  <alert> "process": lacks match; write match="..."
<alert type="process" match="x" min="5" max="4"/>
  <alert> "process match=x": min 5 is more than max 4; exchange them
<alert type="process" match="x" min="0"/>
  <alert> "process match=x": min="0" never holds; write min="1" or a max
<alert type="process" match="x" limit="5" max="4"/>
  <alert> "process match=x": limit stands beside min or max; keep one form
<alert type="process" match="x" min="1" clear="4"/>
  <alert> "process match=x": op and clear belong to limit, not to min and max; remove them
<alert type="log" match="a\\d" limit="1"/>
  <alert> "log match=a\\d": match="a\\d" has \\d, which not every awk knows; write [0-9]
<alert type="log" priority="error" limit="1"/>
  <alert> priority="error" is none of emerg, alert, crit, err, warning
<alert type="log" match="x"/>
  <alert> "log match=x": lacks a limit
<alert type="zombies" max="4" limit="5"/>
  <alert> "zombies": limit stands beside min or max; keep one form
<alert type="processes" max="400"/>
  <alert> "processes": lacks a limit
<alert type="cpu" limit="5%" mail="none"/>
  <alert> "cpu" would reach nobody for 10.0.0.1; to remove it write enabled="no"
<alert type="cpu" limit="5%" note="${'x'.repeat(1001)}"/>
  <alert> note="xxx
`);

for (const [alert, [expected = '-']] of table) {
  test(`says what is wrong with ${alert.slice(0, 100)}`, () => {
    const notified = faults(`<client ip="10.0.0.1" mail="a@b">\n${alert}\n</client>`);
    const isNotified = notified.some((line) => line.startsWith(`config.xml:3: ${expected}`));
    assert.ok(isNotified, notified.join('\n'));
  });
}

test('an alert that would reach nobody is a fault of its own line, notified once for all clients', () => {
  const alerts = '<alerts>\n<alert type="cpu" limit="95%"/>\n</alerts>';
  assert.deepEqual(faults(`${alerts}<client ip="10.0.0.[1-3]"/>`), [
    'config.xml:3: <alert> "cpu" would reach nobody for 10.0.0.1 and 2 others; write mail="..." or <mail ' +
      'to="..."/> there or further out',
  ]);
  assert.deepEqual(faults(`${alerts}<client ip="10.0.0.1" mail="a@b"/><client ip="10.0.0.2"/>`).length, 1);
  assert.deepEqual(faults(`${alerts}<client ip="10.0.0.1" state="retired"/>`), []);
  assert.deepEqual(faults(`${alerts}<client ip="10.0.0.1" mail="none"/>`), [], 'deliberately nobody');
  assert.deepEqual(faults(`${alerts}<notify command="/bin/tell"/><client ip="10.0.0.1"/>`), []);
  assert.equal(faults(`${alerts}<smtp host="localhost" fallback="root@localhost"/><client ip="10.0.0.1"/>`).length, 1);
});

test('equal alerts of two clients are reported where each stands', () => {
  const alert = '<alert type="cpu" limit="95%"/>';
  const clients = `<client ip="10.0.0.1" mail="a@b">${alert}</client>\n<client ip="10.0.0.2">\n${alert}</client>`;
  assertFault(clients, /^config\.xml:4: <alert> "cpu" would reach nobody for 10\.0\.0\.2;/);
});

test('recipients by severity and by rule count as reached only where they hear', () => {
  const withMail = (mail: string, alert: string): number =>
    faults(`<client ip="10.0.0.1"><mail to="a@b" ${mail}/>${alert}</client>`).length;
  assert.equal(withMail('severity="critical"', '<alert type="cpu" limit="5%" severity="warning"/>'), 1);
  assert.equal(withMail('severity="critical"', '<alert type="cpu" warning="5%" critical="6%"/>'), 0);
  assert.equal(withMail('severity="warning"', '<alert type="cpu" limit="5%"/>'), 0);
  assert.equal(withMail('rules="disk*"', '<alert type="cpu" limit="5%"/>'), 1);
  assert.equal(withMail('rules="disk*"', '<alert type="disk" mount="/data/x" limit="5%"/>'), 0);
  assert.equal(withMail('rules="disk*"', '<alert type="cpu" limit="5%" mail="c@d"/>'), 0);
});

test('what rules ask of the agent must fit into one visit', () => {
  const units = Array.from({ length: 200 }, (_, index) => `service-number-${index}.service`).join(',');
  const alert = `<alert type="service" state="active" unit="${units}"/>`;
  assertFault(
    `<group mail="a@b">${alert}<client ip="10.0.0.[1-2]"/></group>`,
    /^config\.xml:2: the units, processes and mounts that rules name for 10\.0\.0\.1 and 10\.0\.0\.2 do not fit/,
  );
});

test('equal alerts are one with a warning, the same name twice is a fault, and a tuning in vain is a warning', () => {
  const inClient = (alerts: string): string => `<client ip="10.0.0.1" mail="a@b" passwordEnv="P">\n${alerts}</client>`;
  const twice = '<alert type="cpu" limit="5%"/>\n<alert limit="5%" type="cpu"/>';
  assert.deepEqual(warnings(inClient(twice)), [
    'config.xml:4: <alert> "cpu" stands twice in this <client>, word for word; remove one of them',
  ]);
  for (const named of ['<alert name="cpu" type="cpu" limit="6%"/>', '<alert name="cpu" limit="6%"/>']) {
    assert.deepEqual(faults(inClient(`<alert type="cpu" limit="5%"/>\n${named}`)), [
      'config.xml:4: <alert> "cpu" stands twice in this <client>; give one of them another name',
    ]);
  }
  const vain = '<alert type="disk" name="x" limit="5%"/>\n<alert name="disk" warning="80%"/>';
  assert.match(
    warnings(`<client ip="10.0.0.1" mail="a@b" passwordEnv="P">\n${vain}</client>`).join('\n'),
    /^config\.xml:4: <alert> "disk" tunes a default rule that evaluates nothing here/,
  );
});

test('what is wrong with equal alerts is reported for each', () => {
  const alerts = '<alert type="cpu" limit="5%"/>\n<alert type="cpu" limit="5%"/>';
  const client = (ip: string, inner: string): string => `<client ip="${ip}" mail="a@b" agent="env">${inner}</client>`;
  const both = (inner: string): string => `${client('10.0.0.1', inner)}\n${client('10.0.0.2', inner)}`;
  const linesOf = (notified: readonly string[]) => notified.map((line) => line.split(':')[1]);
  assert.deepEqual(linesOf(warnings(both(`\n${alerts}`))), ['4', '7']);
  assert.deepEqual(linesOf(faults(both('<alert type="cpu" limit="5m"/>'))), ['2', '3']);
});

test('a default cannot be tuned where defaults are ended', () => {
  const tuned = (alert: string): string => `<alerts defaults="no" mail="a@b">${alert}</alerts><client ip="10.0.0.1"/>`;
  assertFault(
    tuned('<alert name="disk" warning="80%"/>'),
    /"disk" tunes a default rule, but <alerts defaults="no"> ends those; write type="disk" too/,
  );
  assert.deepEqual(faults(tuned('<alert name="disk" enabled="no"/>')), []);
});

test('a rule keeps its type further in', () => {
  const outer = '<alerts mail="a@b"><alert name="busy" type="cpu" limit="95%"/></alerts>';
  const inner = '<client ip="10.0.0.1"><alert name="busy" type="load" limit="2"/></client>';
  assert.deepEqual(faults(`${outer}\n${inner}`), [
    'config.xml:3: <alert> "busy" is of cpu further out and cannot become load; give it another name',
  ]);
});
