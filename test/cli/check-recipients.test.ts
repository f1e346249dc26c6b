import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { alertRecipients } from '../../src/cli/check/alert-recipients.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { configFolder, runCli } from '../support/programs/run-cli.ts';

async function printed(t: Parameters<typeof configFolder>[0], children: string): Promise<string> {
  const { stdout, status } = await runCli(['check'], { cwd: configFolder(t, `<config>${children}</config>`) });
  assert.equal(status, 0, stdout);
  return stdout;
}

async function check(t: Parameters<typeof configFolder>[0], children: string): Promise<readonly string[]> {
  return (await printed(t, children)).split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim());
}
const client = '<client name="web-1" ip="192.0.2.1" privateKey="none" agent="env"/>';
const unheardOf = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.includes('reach nobody'));

test('check prints who is notified of what, from which severity on, of clients and of the fleet', async (t) => {
  const lines = await check(
    t,
    `<alerts><mail to="ops@x.org"/><mail to="oncall@x.org" severity="critical"/>
     <mail to="dba@x.org" rules="disk" hours="08:00-18:00"/></alerts>${client}`,
  );
  for (const line of [
    'ops@x.org warning 1 all',
    'oncall@x.org critical the fleet all',
    'dba@x.org warning, in hours 1 disk',
  ])
    assert.ok(lines.includes(line), lines.join('\n'));
  assert.deepEqual(unheardOf(lines), []);
});

test('check prints the ladder: who is notified if nobody acknowledges a critical alert, and when', async (t) => {
  const ladder = '<mail to="boss@x.org" after="1h"/><mail to="second@x.org" after="15m" hours="08:00-18:00"/>';
  const text = await printed(t, `<alerts>${ladder}<mail to="ops@x.org"/></alerts>${client}`);
  const lines = text.split('\n').filter((line) => line.startsWith('who is notified') || / 1 +all$/.test(line));
  assert.deepEqual(lines, [
    'who is notified  from                not acknowledged for  clients    rules',
    'ops@x.org        warning                                   1          all',
    'second@x.org     critical, in hours  15m                   1          all',
    'boss@x.org       critical            1h                    1          all',
  ]);
});

test('check names for each recipient the written rules that it does not hear', async (t) => {
  const rule = '<alert name="data" type="disk" mount="/data" limit="95%"/><alert type="cpu" limit="95%"/>';
  const mails = '<mail to="ops@x.org"/><mail to="dba@x.org" rules="disk"/>';
  const lines = await check(t, `<alerts>${mails}${rule}</alerts>${client}`);
  assert.ok(lines.includes('dba@x.org warning 1 data, disk; not cpu'), lines.join('\n'));
});

test('check warns once of what nobody hears, by severity, also of the fleet', async (t) => {
  const [nobody = '', ...more] = unheardOf(await check(t, client));
  assert.deepEqual(more, []);
  assert.match(nobody, /critical alerts of disk, memory, check and \d more of web-1; warnings of .* of web-1; /);
  assert.match(nobody, /; critical alerts of collector-silent, .* of the fleet; .* reach nobody; write <mail/);
  const oncall = `<alerts><mail to="oncall@x.org" severity="critical"/></alerts>${client}`;
  const warnings = unheardOf(await check(t, oncall));
  assert.equal(warnings.length, 1);
  assert.ok(!warnings[0]?.includes('critical alerts'), warnings.join('\n'));
  const muted = unheardOf(await check(t, client.replace('/>', ' mail="none"/>')));
  assert.equal(muted.length, 1);
  assert.ok(!muted[0]?.includes('web-1'), 'the fleet alone');
});

test('check warns if nobody but one refused address would hear of a critical alert', async (t) => {
  const onlyOf = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.includes('reach only'));
  const smtp = '<smtp host="localhost" from="f@x.org"/>';
  const ops = '<alerts mail="ops@x.org"/>';
  const [only = '', ...more] = onlyOf(await check(t, smtp + ops + client));
  assert.deepEqual(more, []);
  assert.match(only, /critical alerts of web-1, the fleet reach only ops@x\.org: if it refuses them, nobody hears/);
  const hook = '<alerts mail="ops@x.org"><webhook name="chat" url="http://localhost/T"/></alerts>';
  for (const secured of [
    smtp + hook,
    smtp.replace('/>', ' fallback="root@x.org"/>') + ops,
    `${smtp}<notify command="/bin/true"/>${ops}`,
  ]) {
    assert.deepEqual(onlyOf(await check(t, secured + client)), []);
  }
});

test('check warns if only the path of the canary tells that the canary is lost', async (t) => {
  const canary = `<smtp host="localhost" from="f@x.org"/><canary to="canary@x.org"/>
    <replies imap="imap://f@localhost" passwordEnv="P"/>`;
  const warned = async (content: string): Promise<readonly string[]> =>
    (await check(t, canary + content + client)).filter((line) => line.includes('mail-path, the alert'));
  const [line = '', ...more] = await warned('<alerts mail="ops@x.org"/>');
  assert.deepEqual(more, []);
  assert.match(line, /goes only to ops@x\.org, by the path that <canary> watches; write a <webhook>, a <notify>, or/);
  assert.deepEqual(await warned('<alerts mail="ops@x.org, kim@y.org"/>'), []);
  assert.deepEqual(await warned('<notify command="/bin/true"/><alerts mail="ops@x.org"/>'), []);
});

test('check warns that nobody is sent mails while there is no <smtp>', async (t) => {
  const named = '<alerts mail="ops@x.org"><mail to="c@x.org"/><webhook name="chat" url="http://localhost/T"/></alerts>';
  const warnedOf = async (content: string): Promise<readonly string[]> =>
    (await check(t, content)).filter((line) => line.includes('there is no <smtp>'));
  const [only = '', ...more] = await warnedOf(named + client);
  assert.deepEqual(more, []);
  assert.match(only, /: there is no <smtp>: mails to ops@x\.org, c@x\.org are written to .*outbox, and nobody is sent/);
  const silent = '<client name="w-[1-2]" ip="192.0.2.[1-2]" username="u" mail="none"/>';
  const [ofGroup = ''] = await warnedOf(`<group name="w" need="1" mail="g@x.org">${silent}</group>`);
  assert.match(ofGroup, /: mails to g@x\.org are written to /);
  const smtp = '<smtp host="localhost" from="f@x.org"/>';
  assert.deepEqual(await warnedOf(`${smtp}${named}${client}`), []);
  assert.deepEqual(await warnedOf(`<notify command="/bin/true"/>${client}`), []);
});

test('with the sample config.xml somebody hears of everything, the fleet included', () => {
  const { recipients, warnings } = alertRecipients(loadConfig({ file: path.join(packageDir, 'config.xml') }));
  assert.deepEqual(
    warnings.filter(({ message }) => !message.startsWith('there is no <smtp>')),
    [],
  );
  assert.deepEqual([...new Set(recipients.map(({ recipient }) => recipient))], ['you@example.org']);
});

test('check prints when each window is open next', async (t) => {
  const alerts =
    '<alerts mail="a@x.org" zone="UTC"><window start="02:00" duration="1h" severity="warning" rules="disk"/></alerts>';
  const lines = await check(t, alerts + client);
  const times = '\\d\\d\\d\\d-\\d\\d-\\d\\d 02:00 to .*03:00';
  const isShown = lines.some((line) => new RegExp(`^window for warnings of disk of 1 client: ${times}`).test(line));
  assert.ok(isShown, lines.join('\n'));
  const monthly = '<alerts mail="a@x.org" zone="UTC"><window days="last" start="22:00" duration="1h"/></alerts>';
  const [, next = ''] = /^window for .*: (.*)$/m.exec((await check(t, monthly + client)).join('\n')) ?? [];
  assert.match(next, /^(?:\d{4}-\d\d-(?:28|29|30|31) 22:00 to \S+ 23:00(?:, |$)){3}$/, 'those of three months');
});

test('check warns of one password for several clients and of a password beside a key, and prints none', async (t) => {
  const lines = await check(
    t,
    `<alerts mail="a@x.org"/><ssh password="hidden"/><client name="a" ip="192.0.2.1"/><client name="b" ip="192.0.2.2"/>
     <client name="c" ip="192.0.2.3" privateKey="/nowhere/key"/>`,
  );
  const text = lines.join('\n');
  assert.match(text, /one password serves 3 clients, "a" among them/);
  assert.match(text, /client "c" has a password beside a key/);
  assert.ok(!text.includes('hidden'));
});
