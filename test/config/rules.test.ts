import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Rule } from '../../src/config/config.ts';
import { ruleTypes } from '../../src/config/vocabulary/rule-types.ts';
import { clientOf, load, ruleOf } from './support/config-files.ts';
import { pluckAll } from '../support/pluck.ts';

const anyClient = '<client name="x" ip="10.0.0.1"/>';

/** Loads a file whose only client has one alert with these attributes. Returns the client's rule of that alert. */
function ruleOfAlert(attributes: string): Rule {
  const config = load(`<client ip="10.0.0.1" mail="a@b"><alert ${attributes}/></client>`);
  const [rule] = clientOf(config).rules;
  assert.ok(rule?.origin === 'file');
  return rule;
}

/** The attributes of alerts, and fields of their rules. */
const alerts: readonly (readonly [attributes: string, expected: Partial<Rule>])[] = [
  [
    'type="memory" limit="50%"',
    { name: 'memory', op: 'ge', critical: 50, warning: null, severity: 'critical', clear: 48 },
  ],
  ['type="cpu" limit="95%" severity="warning"', { warning: 95, critical: null, severity: 'warning', clear: 93 }],
  ['type="disk" warning="85%" critical="95%"', { warning: 85, critical: 95, clear: 83, severity: 'critical' }],
  ['type="disk" warning="85%" critical="95%" clear="80"', { clear: 80 }],
  ['type="disk" warning="85%"', { warning: 85, critical: 95, severity: 'critical' }],
  ['type="disk" warning="85%" critical="none"', { warning: 85, critical: null, severity: 'warning' }],
  ['type="disk" warning="97%"', { warning: 97, critical: null, severity: 'warning' }],
  ['type="disk" mount="/data" critical="98%"', { warning: 90, critical: 98, forCount: 1 }],
  ['type="disk" limit="98%"', { warning: null, critical: 98 }],
  ['type="memory" limit="80%" severity="critical"', { critical: 80, forCount: 1 }],
  ['type="inodes" mount="/data" limit="95%"', { warning: 95, critical: null, severity: 'warning' }],
  ['type="service" unit="!motd-news"', { severity: 'warning', selectors: { unit: '!motd-news.service' } }],
  ['type="service" unit="!motd-news" severity="critical"', { severity: 'critical' }],
  ['type="service" unit="nginx" state="active"', { severity: 'critical' }],
  ['type="cpu" limit="1%"', { critical: 1, clear: null }],
  ['type="cpu" op="lt" limit="99%"', { op: 'lt', clear: null }],
  ['type="cpu" op="lt" limit="10%"', { op: 'lt', clear: 12 }],
  ['type="uptime" limit="3600"', { critical: 3600, op: 'ge', clear: null }],
  ['type="uptime" op="lt" limit="15m"', { critical: 900, op: 'lt' }],
  ['type="disk-free" limit="20GiB"', { op: 'lt', critical: 21_474_836_480, clear: null }],
  ['type="load" limit="1.5"', { critical: 1.5 }],
  ['type="temperature" sensor="cpu*" limit="85"', { name: 'temperature sensor=cpu*', selectors: { sensor: 'cpu*' } }],
  ['type="clock-offset" limit="500"', { warning: 500, critical: null }],
  ['type="disk" limit="95%" free="2TiB"', { freeBytes: 2_199_023_255_552 }],
  ['type="mount" mount="/data"', { op: 'lt', critical: 1, name: 'mount mount=/data' }],
  ['type="reboot-required" severity="warning"', { op: 'ge', warning: 1, critical: null }],
  ['type="service"', { state: 'failed', critical: null, warning: null, severity: 'warning' }],
  [
    'type="service" unit="nginx,docker.socket" state="active"',
    { name: 'service unit=nginx,docker.socket', state: 'active', selectors: { unit: 'nginx.service,docker.socket' } },
  ],
  [
    'type="outlier" metric="cpu" severity="warning"',
    { name: 'outlier metric=cpu', metric: null, selectors: { metric: 'cpu' }, severity: 'warning', warning: null },
  ],
  ['type="process" match="haproxy"', { min: 1, max: null, critical: null }],
  ['type="process" match="haproxy" max="4"', { min: null, max: 4 }],
  ['type="process" match="haproxy" limit="2"', { op: 'lt', critical: 2, min: null, max: null }],
  [
    'metric="disk_used_percent" mount="/data" state="none" limit="5%"',
    { metric: 'disk_used_percent', type: null, name: 'disk_used_percent mount=/data' },
  ],
  [
    'metric="unit_active" unit="x.service" state="failed" limit="1"',
    { selectors: { unit: 'x.service', state: 'failed' }, state: null },
  ],
  ['metric="network_rx_bytes_per_s" limit="10MiB"', { critical: 10_485_760, clear: null }],
  ['type="cpu" limit="5%" for="15m"', { forMs: 900_000, forCount: null }],
  ['type="cpu" limit="5%" for="3x"', { forMs: null, forCount: 3 }],
  [
    'type="cpu" limit="5%" repeat="none" also="yes" note="x" mail="c@d, e@f"',
    { repeatMs: null, also: true, note: 'x', mail: ['c@d', 'e@f'] },
  ],
  ['name="busy" type="cpu" limit="5%"', { name: 'busy', repeatMs: 43_200_000, mail: null, note: null, also: false }],
];

for (const [attributes, expected] of alerts) {
  test(`<alert ${attributes}> becomes a rule with its units, levels and defaults`, () => {
    const rule = ruleOfAlert(attributes);
    assert.deepEqual({ ...rule, ...expected }, rule);
  });
}

test('a written rule without for fires at the first row', () => {
  for (const [type, { selectors, needs, unit }] of ruleTypes) {
    const needed = needs === null || !selectors.includes(needs) ? '' : `${needs}="/x"`;
    const limit = unit === 'flag' || type === 'process' ? '' : 'limit="5"';
    assert.deepEqual(
      pluckAll([ruleOfAlert(`type="${type}" ${needed} ${limit}`)], 'forCount', 'forMs'),
      [[1, null]],
      type,
    );
  }
  assert.equal(ruleOfAlert('metric="disk_used_percent" limit="5%"').forCount, 1);
  assert.equal(ruleOfAlert('name="mine" type="memory" limit="5%"').forCount, 1);
});

test('a default that is tuned by its name keeps its for, and the for of <alerts> is for what has none', () => {
  const tuned = load('<client ip="10.0.0.1" mail="a@b"><alert name="memory" limit="90%"/></client>');
  assert.deepEqual([ruleOf(tuned, 'memory')?.critical, ruleOf(tuned, 'memory')?.forCount], [90, 3]);
  const client = '<client ip="10.0.0.1"><alert type="memory" limit="80%"/></client>';
  const inherited = load(`<alerts mail="a@b"><alert name="memory" for="5x"/></alerts>${client}`);
  assert.equal(ruleOf(inherited, 'memory')?.forCount, 5);
  const cpu = '<client ip="10.0.0.1"><alert type="cpu" limit="5%"/></client>';
  const config = load(`<alerts mail="a@b" for="4x" repeat="1h"/>${cpu}`);
  assert.equal(ruleOf(config, 'cpu')?.forCount, 4);
  assert.equal(ruleOf(config, 'disk')?.forCount, 4);
  assert.equal(ruleOf(config, 'cpu')?.repeatMs, 3_600_000);
  assert.equal(ruleOf(config, 'unreachable')?.forCount, 2, 'conditions keep their own');
});

test('a default is in force beside rules for a part of its type, and conditions always are', () => {
  const names = (children: string) =>
    pluckAll(clientOf(load(children)).rules, 'origin', 'name').map((one) => one.join(' '));
  const inForce = (alert: string) => names(`<client ip="10.0.0.1" mail="a@b"><alert ${alert}/></client>`);
  const conditions = (
    'unreachable host-key-changed not-trusted unreliable no-report probe-failed check-unknown check-untrusted ' +
    'mount-unresponsive mount-missing read-only clock-offset rebooted reboots oom-kill'
  )
    .split(' ')
    .map((name) => `condition ${name}`);
  const all = (
    'disk inodes disk-full inodes-full memory service open-files conntrack clock-unsynchronised check ' +
    'file-system-errors sectors-rising security-updates'
  )
    .split(' ')
    .map((name) => `default ${name}`);
  const [, ...others] = all;
  assert.deepEqual(names('<client ip="10.0.0.1"/>'), [...all, ...conditions]);
  assert.deepEqual(names('<alerts defaults="no"/><client ip="10.0.0.1"/>'), conditions);
  assert.deepEqual(inForce('type="disk" mount="/x" limit="5%"'), ['file disk mount=/x', ...all, ...conditions]);
  assert.deepEqual(inForce('type="disk" name="full" limit="5%"'), ['file full', ...others, ...conditions]);
  assert.deepEqual(inForce('type="disk" enabled="no"'), [...others, ...conditions]);
  const exceptClock = conditions.filter((name) => name !== 'condition clock-offset');
  assert.deepEqual(inForce('type="clock-offset" limit="5s"'), ['file clock-offset', ...all, ...exceptClock]);
  assert.ok(!inForce('name="rebooted" enabled="no"').includes('condition rebooted'));
});

/** The defaults and conditions of docs/alerts.md. */
const documented: readonly (readonly [name: string, expected: Partial<Rule>])[] = [
  ['disk', { warning: 90, critical: 95, forCount: 1 }],
  ['inodes', { warning: 90, critical: null, severity: 'warning', forCount: 1 }],
  ['disk-full', { warning: 604_800, critical: null, clear: 907_200, op: 'lt', severity: 'warning', forCount: 1 }],
  ['inodes-full', { warning: 604_800, critical: null, clear: 907_200, op: 'lt', severity: 'warning', forCount: 1 }],
  ['memory', { warning: null, critical: 97, forCount: 3 }],
  ['service', { severity: 'warning', state: 'failed' }],
  ['open-files', { warning: 90, critical: null, severity: 'warning', forCount: 2 }],
  ['conntrack', { warning: 90, critical: null, severity: 'warning', forCount: 2 }],
  ['clock-unsynchronised', { warning: 1, op: 'lt', severity: 'warning', forCount: null, forMs: 3_600_000 }],
  ['check', { severity: 'critical', forCount: 2 }],
  ['sectors-rising', { warning: 1, metric: 'check_rise', severity: 'warning', forCount: 1 }],
  ['security-updates', { warning: 1, metric: 'check_value', severity: 'warning', forCount: null, forMs: 604_800_000 }],
  ['check-unknown', { severity: 'warning', forCount: 3 }],
  ['check-untrusted', { severity: 'warning', forCount: 2 }],
  ['unreachable', { severity: 'critical', forCount: 2, type: null, metric: null }],
  ['host-key-changed', { severity: 'critical', forCount: null, forMs: null }],
  ['not-trusted', { severity: 'warning' }],
  ['unreliable', { severity: 'warning', forCount: null, forMs: null }],
  ['no-report', { severity: 'critical', forCount: 3 }],
  ['probe-failed', { severity: 'warning', forCount: 3 }],
  ['mount-unresponsive', { severity: 'critical', forCount: 2 }],
  ['mount-missing', { severity: 'critical', forCount: 2 }],
  ['read-only', { severity: 'critical', forCount: 1 }],
  ['clock-offset', { warning: 60, type: 'clock-offset' }],
  ['rebooted', { severity: 'warning', forCount: null, forMs: null }],
  ['reboots', { severity: 'critical', forCount: null, forMs: null, type: null, metric: null }],
  ['oom-kill', { severity: 'warning', forCount: null, forMs: null, type: null, metric: null }],
];

test('defaults and conditions of a client are as the documentation has them', () => {
  const config = load(anyClient);
  for (const [name, expected] of documented) {
    const rule = ruleOf(config, name);
    assert.deepEqual({ ...rule, ...expected }, rule, name);
  }
});

test('conditions of the fleet are as the documentation has them', () => {
  assert.deepEqual(pluckAll(load(anyClient).alerts.rules, 'name', 'severity', 'forMs'), [
    ['collector-silent', 'critical', 900_000],
    ['collector-isolated', 'warning', null],
    ['collector-fault', 'warning', null],
    ['ingest-silent', 'critical', 900_000],
    ['state-disk', 'warning', null],
    ['database-forgot', 'warning', null],
    ['mail-path', 'critical', null],
    ['replies-unread', 'warning', 900_000],
  ]);
});

test('conditions and defaults are tuned by name, the fleet-wide ones in <alerts>', () => {
  const config =
    load(`<collector every="10m"/><alerts mail="a@b"><alert name="unreachable" for="15m" severity="warning" note="call"/>
     <alert name="collector-silent" for="1h"/><alert name="collector-isolated" enabled="no"/>
     <alert name="disk" warning="80%"/></alerts>
     <client name="x" ip="10.0.0.1"><alert name="disk" critical="none"/></client><client name="y" ip="10.0.0.2"/>`);
  const unreachable = ruleOf(config, 'unreachable', 'x');
  const expected = { forMs: 900_000, forCount: null, severity: 'warning', note: 'call', origin: 'condition' };
  assert.deepEqual({ ...unreachable, ...expected }, unreachable);
  assert.deepEqual(pluckAll(config.alerts.rules, 'name', 'forMs'), [
    ['collector-silent', 3_600_000],
    ['collector-fault', null],
    ['ingest-silent', 1_800_000],
    ['state-disk', null],
    ['database-forgot', null],
    ['mail-path', null],
    ['replies-unread', 900_000],
  ]);
  assert.deepEqual([ruleOf(config, 'disk', 'y')?.warning, ruleOf(config, 'disk', 'y')?.critical], [80, 95]);
  assert.deepEqual([ruleOf(config, 'disk', 'x')?.warning, ruleOf(config, 'disk', 'x')?.critical], [80, null]);
  assert.equal(ruleOf(config, 'disk', 'x')?.origin, 'default');
});

test('a rule further in overrides that of its name attribute by attribute; limits go together', () => {
  const outer = '<alert type="disk" warning="85%" critical="95%" clear="80%" note="see wiki" for="3x" free="2TiB"/>';
  const table: readonly (readonly [string, Partial<Rule>])[] = [
    ['<alert name="disk" note="none"/>', { note: null, warning: 85, critical: 95, clear: 80, forCount: 3 }],
    ['<alert name="disk" for="10m"/>', { forMs: 600_000, forCount: null, note: 'see wiki' }],
    ['<alert type="disk" limit="90%"/>', { warning: null, critical: 90, clear: 88, note: 'see wiki', forCount: 3 }],
    ['<alert type="disk" limit="90%" severity="warning"/>', { warning: 90, critical: null, clear: 88 }],
    ['<alert name="disk" warning="70%"/>', { warning: 70, critical: 95, clear: 68 }],
    ['<alert name="disk" free="none"/>', { freeBytes: null, warning: 85 }],
    ['<alert name="disk" clear="none"/>', { clear: 83 }],
    ['<alert name="disk" mount="/data"/>', { selectors: { mount: '/data' }, warning: 85 }],
    ['<alert name="disk" mail="x@y"/>', { mail: ['x@y'] }],
  ];
  for (const [inner, expected] of table) {
    const config = load(`<alerts mail="a@b">${outer}</alerts><group><client ip="10.0.0.1">${inner}</client></group>`);
    const rule = ruleOf(config, 'disk');
    assert.deepEqual({ ...rule, ...expected }, rule, inner);
  }
});

test('rules of the innermost element come first, each element in the order of the file', () => {
  const config =
    load(`<alerts mail="a@b"><alert name="a" type="disk" limit="1%"/><alert name="b" type="disk" limit="2%"/></alerts>
     <group><alert name="c" type="disk" limit="3%"/><alert name="b" limit="4%"/>
       <group><client name="x" ip="10.0.0.1"><alert name="d" type="cpu" limit="5%"/><alert name="c" enabled="no"/>
       </client>
       <client name="y" ip="10.0.0.2"/></group>
     </group>`);
  const names = (client: string): string[] =>
    clientOf(config, client).rules.flatMap((rule) =>
      rule.origin === 'file' ? [`${rule.name} ${rule.critical ?? ''}`] : [],
    );
  assert.deepEqual(names('x'), ['d 5', 'b 4', 'a 1']);
  assert.deepEqual(names('y'), ['c 3', 'b 4', 'a 1']);
});

test('clients that say the same share their rules', () => {
  const alert = '<alert type="cpu" limit="5%"/>';
  const config = load(`<group mail="a@b"><client name="a" ip="10.0.0.1"/><client name="b" ip="10.0.0.2"/>
     <client name="c" ip="10.0.0.3">${alert}</client><client name="d" ip="10.0.0.4">${alert}</client></group>`);
  assert.equal(clientOf(config, 'a').rules, clientOf(config, 'b').rules);
  assert.equal(clientOf(config, 'c').rules, clientOf(config, 'd').rules);
  assert.notEqual(clientOf(config, 'a').rules, clientOf(config, 'c').rules);
});

test('the agent is asked for what rules name, patterns of units and mounts left out', () => {
  const config =
    load(`<alerts mail="a@b"><alert type="service" unit="nginx,db-*.service" /><alert type="mount" mount="/data,/srv"/>
     <alert type="process" match="haproxy*"/><alert metric="process_match_count" match="cron" op="lt" limit="1"/>
     <alert metric="unit_active" unit="x.timer" op="lt" limit="1"/>
     <alert type="disk" mount="/tmp,/run*,!/x" limit="50%"/>
     <alert metric="disk_available_bytes" mount="/dev/shm" op="lt" limit="1"/>
     </alerts><client ip="10.0.0.[1-2]"/>`);
  const [first, second] = config.clients;
  assert.deepEqual(first?.probeOptions, {
    units: ['nginx.service', 'x.timer'],
    processes: ['haproxy*', 'cron'],
    mounts: ['/data', '/srv', '/tmp', '/dev/shm'],
  });
  assert.equal(first.probeOptions, second?.probeOptions);
  assert.deepEqual(clientOf(load('<client ip="10.0.0.1"/>')).probeOptions, {});
});

test('logs are asked for where a rule or logs="yes" wants them', () => {
  const optionsOf = (clients: string, alerts = ''): unknown =>
    load(`<alerts mail="a@b" ${alerts}/>${clients}`).clients.map(({ probeOptions }) => probeOptions.logs);
  const rule = '<alert type="log" match="oom|Out of" limit="1"/><alert type="log" priority="warning" limit="9"/>';
  assert.deepEqual(optionsOf(`<client ip="10.0.0.1">${rule}</client>`), [['3 oom|Out of', '4']]);
  assert.deepEqual(
    optionsOf('<group name="g" logs="yes"><client ip="10.0.0.1"/><client ip="10.0.0.2" logs="no"/></group>'),
    [['3'], undefined],
  );
  assert.deepEqual(optionsOf(`<client ip="10.0.0.1"/><client ip="10.0.0.2">${rule}</client>`, 'logs="yes"'), [
    ['3'],
    ['3', '3 oom|Out of', '4'],
  ]);
});
