/** `<check>`: the requests to clients, and the faults of a check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkOf } from '../../src/report/check-command.ts';
import type { RequestedCheck } from '../../src/report/wire.ts';
import { casesOf, clientOf, faults, load, warnings } from './support/config-files.ts';

const client = '<client name="a" ip="192.0.2.1"/>';
const disk = '/usr/lib/nagios/plugins/check_disk';

/** The attributes of a check `c`, and the resulting request. */
const table: readonly (readonly [attributes: string, expected: Partial<RequestedCheck>])[] = [
  ['command="true"', { command: ['true'] }],
  [`command="${disk} -w 20% -c 10% -p /"`, { command: [disk, '-w', '20%', '-c', '10%', '-p', '/'] }],
  [`command='true "a b" &apos;c"d&apos; e\\ f "" g"h"'`, { command: ['true', 'a b', 'c"d', 'e f', '', 'gh'] }],
  ['command="true \'*\' \\$ grün"', { command: ['true', '*', '$', 'grün'] }],
  ['command="true" every="5m"', { command: ['true'], everySeconds: 300 }],
  ['command="true" every="1h30m" timeout="30s"', { command: ['true'], everySeconds: 5400, timeoutSeconds: 30 }],
  ['command="true" every="7d" format="checkmk"', { command: ['true'], everySeconds: 604_800, format: 'checkmk' }],
  ['command="true" every="none" format="prom" enabled="yes"', { command: ['true'], format: 'prom' }],
];

for (const [attributes, expected] of table) {
  test(`<check name="c" ${attributes}>`, () => {
    const config = load(`<check name="c" ${attributes}/>${client}`);
    const [check] = clientOf(config).checks;
    assert.deepEqual(check?.requested, { name: 'c', ...expected });
    assert.deepEqual([check.file, check.line], [config.file, 2]);
    assert.deepEqual(
      config.warnings.filter(({ message }) => message.includes('check')),
      [],
    );
  });
}

test('checks of fleet, group and client add up; one further in overrides attribute by attribute', () => {
  const config = load(`
    <check name="all" command="all"/>
    <check name="load" command="load" every="1h" timeout="5s"/>
    <group><check name="of group" command="group"/><check name="load" every="none"/>
      <client name="a" ip="192.0.2.1"><check name="own" command="own"/><check name="load" command="/own load"/></client>
      <client name="b" ip="192.0.2.2"><check name="all" enabled="no"/></client>
      <client name="c" ip="192.0.2.3"/><client name="d" ip="192.0.2.4"/>
    </group>
    <client name="e" ip="192.0.2.5"/>`);
  const shown = (name: string): readonly string[] =>
    clientOf(config, name).checks.map(({ requested, line }) => {
      const { name: check, command, everySeconds: every, timeoutSeconds: timeout } = requested;
      return `${check}: ${command.join(' ')} ${every ?? '-'} ${timeout ?? '-'} @${line ?? '-'}`;
    });
  const all = 'all: all - - @3';
  assert.deepEqual(shown('a'), [all, 'load: /own load - 5 @6', 'of group: group - - @5', 'own: own - - @6']);
  assert.deepEqual(shown('b'), ['load: load - 5 @5', 'of group: group - - @5']);
  assert.deepEqual(shown('c'), [all, 'load: load - 5 @5', 'of group: group - - @5']);
  assert.equal(clientOf(config, 'c').checks, clientOf(config, 'd').checks);
  assert.deepEqual(shown('e'), [all, 'load: load 3600 5 @4']);
});

test('certificates and textfiles are checks that the agents make themselves', () => {
  const config = load(`
    <certificate name="www" connect="www.example.org:443" warning="30d"/>
    <certificate name="mail" connect="[::1]:993" servername="mx.example.org" every="1d"/>
    <textfile dir="/var/lib/node exporter" metrics="smartmon_*, nvme_*" stale="25h" timeout="5s"/>
    <group><certificate name="mail" enabled="no"/><certificate name="www" critical="1d"/>
      <certificate name="files" file="/etc/ssl/*.pem"/><textfile dir="/var/lib/node exporter" metrics="apt_*"/>${client}</group>
    <client name="b" ip="192.0.2.2"><check name="www" command="true"/></client>`);
  const of = (name: string) => clientOf(config, name).checks.map(({ requested }) => requested);
  const www = { name: 'certificate:www', format: 'certificate' };
  const prom = { name: 'textfile:/var/lib/node exporter', timeoutSeconds: 5, format: 'textfile' };
  const day = 86_400;
  assert.deepEqual(of('a'), [
    { ...www, command: ['connect', 'www.example.org:443', 'www.example.org', String(30 * day), String(day)] },
    { ...prom, command: ['textfile', '/var/lib/node exporter', '90000', 'apt_*'] },
    {
      name: 'certificate:files',
      command: ['file', '/etc/ssl/*.pem', '', String(21 * day), String(7 * day)],
      format: 'certificate',
    },
  ]);
  assert.deepEqual(of('b'), [
    { ...www, command: ['connect', 'www.example.org:443', 'www.example.org', String(30 * day), String(7 * day)] },
    {
      name: 'certificate:mail',
      command: ['connect', '[::1]:993', 'mx.example.org', String(21 * day), String(7 * day)],
      everySeconds: day,
      format: 'certificate',
    },
    { ...prom, command: ['textfile', '/var/lib/node exporter', '90000', 'smartmon_*,nvme_*'] },
    { name: 'www', command: ['true'] },
  ]);
  // The agents accept each request unchanged.
  for (const { requested } of [...clientOf(config, 'a').checks, ...clientOf(config, 'b').checks]) {
    const { everySeconds: every, timeoutSeconds: timeout, ...rest } = requested;
    const taken = checkOf({ ...rest, every: every ?? undefined, timeout: timeout ?? undefined });
    assert.deepEqual([taken?.name, taken?.command], [requested.name, requested.command]);
  }
});

test('servers are checks that the agents make themselves', () => {
  const config = load(`
    <http name="shop" url="https://shop.example.org/" contains="&quot;up&quot;" slow="1s,5s" every="5m"/>
    <tcp name="mail" connect="localhost:25" expect="220"/>
    <dns name="shop" host="shop.example.org" expect="192.0.2.80"/>
    <group><http name="shop" status="200"/><dns name="shop" enabled="no"/>${client}</group>`);
  const common = { timeoutSeconds: undefined };
  assert.deepEqual(
    clientOf(config, 'a').checks.map(({ requested }) => ({ ...common, ...requested })),
    [
      {
        ...common,
        name: 'http:shop',
        command: ['http', 'url=https://shop.example.org/', 'status=200', 'contains="up"', 'slow=1s,5s'],
        everySeconds: 300,
        format: 'http',
      },
      { ...common, name: 'tcp:mail', command: ['tcp', 'connect=localhost:25', 'expect=220'], format: 'tcp' },
    ],
  );
});

const cases = `
<http name="a"/>
  config.xml:2: <http> "a" has no url, and none further out; write url="https://www.example.org/"
<dns name="a"/>
  config.xml:2: <dns> "a" has no host, and none further out; write host="www.example.org"
<http name="a" url="shop.example.org"/>
  config.xml:2: <http> url="shop.example.org" is no address of a page; write it like https://www.example.org/health, with xn-- for other letters, without a password
<http name="a" url="http://b/" status="OK"/>
  config.xml:2: <http> status="OK" is no list of statuses; write it like 200,301-399
<http name="a" url="http://b/" slow="5"/>
  config.xml:2: <http> slow="5" is no limit of time; write it like 500ms, or 1s,5s for two
<tcp name="a" connect="localhost"/>
  config.xml:2: <tcp> connect="localhost" is neither HOST:PORT nor the path of a socket; write it like localhost:443, [::1]:443 or /run/app.sock
<dns name="a" host="b c"/>
  config.xml:2: <dns> host="b c" is no name to look up; write it like www.example.org
<dns name="a" host="b" server="ns.example.org"/>
  config.xml:2: <dns> server="ns.example.org" is no address of a name server; write it like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53
<dns name="a" host="b" type="ANY"/>
  config.xml:2: <dns> type="ANY" is none of A, AAAA, CNAME, MX, TXT, NS, SOA, PTR, SRV
<http name="a" url="http://b/" timeout="31s"/>
  config.xml:2: <http> "a" timeout="31s" must be from 1s to 30s
<certificate name="a"/>
  config.xml:2: <certificate> "a" needs either connect="HOST:PORT" or file="/path"
<certificate name="a" connect="b:1" file="/c"/>
  config.xml:2: <certificate> "a" needs either connect="HOST:PORT" or file="/path"
<certificate name="a" file="/c" servername="d"/>
  config.xml:2: <certificate> "a" has servername, which belongs to connect="HOST:PORT"
<certificate name="a" connect="localhost"/>
  config.xml:2: <certificate> connect="localhost" is no HOST:PORT; write it like localhost:443 or [::1]:443
<certificate name="a" connect="b:1" warning="0s"/>
  config.xml:2: <certificate> "a" has a time of 0 as warning or critical; write one like 21d
<certificate name="a" connect="b:1"/><certificate name="a" connect="c:1"/>
  config.xml:2: <certificate> "a" stands twice in this <config>; give one of them another name
<certificate name="${'a'.repeat(101)}" connect="b:1"/>
  config.xml:2: <certificate> "${'a'.repeat(101)}" has a name of more than 100 characters; write a shorter one
<textfile dir="relative"/>
  config.xml:2: <textfile> dir="relative" is no folder of the client; write its absolute path, of A-Z a-z 0-9 _ . : / - and blanks
<textfile dir="/a" metrics="b("/>
  config.xml:2: <textfile> metrics="b(" names no metrics; write them like smartmon_*_raw_value,nvme_*
<textfile dir="/a" every="8d"/>
  config.xml:2: <textfile> "/a" every="8d" must be from 1s to 7d, or none
<textfile dir="/a"/><group><textfile dir="/b" enabled="no"/></group>
  config.xml:2: <textfile> "/b" enabled="no" ends nothing: no textfile further out has this name; did you mean "/a"?
<check command="true"/>
  config.xml:2: <check> lacks name; write name="..."
<check name="a;b" command="true"/>
  config.xml:2: <check> name="a;b" is no name of a check; write up to 128 of A-Z a-z 0-9 _ . : / - and blanks
<check name="certificate" command="true"/>
  config.xml:2: <check> name="certificate" is no name of a check; write up to 128 of A-Z a-z 0-9 _ . : / - and blanks
<check name="textfile" command="true"/>
  config.xml:2: <check> name="textfile" is no name of a check; write up to 128 of A-Z a-z 0-9 _ . : / - and blanks
<check name="container" command="true"/>
  config.xml:2: <check> name="container" is no name of a check; write up to 128 of A-Z a-z 0-9 _ . : / - and blanks
<check name="a"/>
  config.xml:2: <check> "a" has no command, and none further out; write command="/path/of/program ..."
<check name="a" command="true 'x"/>
  config.xml:2: <check> "a" command has a quote or a backslash without what belongs to it; close it, or write \\ before it
<check name="a" command="true x\\"/>
  config.xml:2: <check> "a" command has a quote or a backslash without what belongs to it; close it, or write \\ before it
<check name="a" command="./true"/>
  config.xml:2: <check> "a" command begins with "./true"; write the absolute path of a program, or its name without /
<check name="a" command="''"/>
  config.xml:2: <check> "a" command begins with ""; write the absolute path of a program, or its name without /
<check name="a" command="${'x '.repeat(101)}"/>
  config.xml:2: <check> "a" command has 101 words, and 100 are the most; write a script
<check name="a" command="true&#10;x"/>
  config.xml:2: <check> command has a line break or control character; remove it
<check name="a" command="true" every="8d"/>
  config.xml:2: <check> "a" every="8d" must be from 1s to 7d, or none
<check name="a" command="true" every="0s"/>
  config.xml:2: <check> "a" every="0s" must be from 1s to 7d, or none
<check name="a" command="true" timeout="31s"/>
  config.xml:2: <check> "a" timeout="31s" must be from 1s to 30s
<check name="a" command="true" timeout="soon"/>
  config.xml:2: <check> timeout="soon" is no duration; write it like 90s, 5m, 4h, 30d or 1h30m
<check name="a" command="true" format="json"/>
  config.xml:2: <check> format="json" is none of nagios, checkmk, prom
<check name="a" command="true"/><check name="a" command="false"/>
  config.xml:2: <check> "a" stands twice in this <config>; give one of them another name
<check name="disk" command="true"/><group><check name="disc" enabled="no"/></group>
  config.xml:2: <check> "disc" enabled="no" ends nothing: no check further out has this name; did you mean "disk"?
<alerts><check name="a" command="true"/></alerts>
  config.xml:2: <check> cannot stand in <alerts>; it belongs in <config> or <group> or <client>
`;

for (const [xml, expected] of casesOf(cases)) {
  test(`fault: ${xml.slice(0, 100)}`, () => {
    assert.deepEqual(faults(`${xml}${client}`), expected);
  });
}

test('a command that only a shell understands is a warning, once for all clients', () => {
  const said = warnings(`<group><check name="a" command="cat /etc/hosts | wc -l"/>${client}
    <client name="b" ip="192.0.2.2"/></group><check name="x" command="X=1 true"/><check name="url" command="get 'a?b'"/>`);
  const words = 'command has signs of a shell, and no shell runs; quote them if they are meant as they are';
  assert.deepEqual(
    said.filter((line) => line.includes('signs of a shell')),
    [`config.xml:2: <check> "a" ${words}, or write a script`, `config.xml:3: <check> "x" ${words}, or write a script`],
  );
});

test('more than 50 checks, or more than a request takes, are a fault of the client that has them', () => {
  const checks = (count: number, command: string): string =>
    Array.from({ length: count }, (_, at) => `<check name="c${at}" command="${command}"/>`).join('');
  const own = (inner: string): readonly string[] =>
    faults(`<group>${inner}\n${client}<client name="b" ip="192.0.2.2"/></group><client name="c" ip="192.0.2.3"/>`);
  assert.deepEqual(own(checks(50, 'true')), []);
  assert.deepEqual(own(checks(51, 'true')), [
    'config.xml:3: the 51 checks for a and b are more than 50; write fewer, or one script that runs several',
  ]);
  const [fault = '', ...others] = own(checks(50, `${disk} -w 20% -c 10% -p /var/lib/somewhere/else`));
  assert.deepEqual(others, []);
  assert.match(
    fault,
    /^config\.xml:3: the checks \(\d{4} bytes\) and the units, .* for a and b do not fit .* \(\d{4} bytes, 3100 are the most\); write shorter commands, or/,
  );
  const unit = `${'x'.repeat(190)}.service`;
  const alerts = Array.from(
    { length: 4 },
    (_, at) => `<alert type="service" unit="${at}${unit}" mail="a@example.org"/>`,
  );
  const both = checks(30, `${disk} -w 20% -c 10%`);
  assert.deepEqual(own(both), []);
  assert.equal(own(`${both}${alerts.join('')}`).length, 1);
});
