import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { parseLabels } from '../../src/config/values/labels.ts';
import { recipientsOf } from './support/recipients-of.ts';
import { assertFault, clientOf, configFile, faultsOfFile, faultsOfText, load } from './support/config-files.ts';

const url = 'url="https://hooks.example.org/T0KEN"';

test('a webhook: its settings, and its defaults', () => {
  const { webhooks } = load(`<alerts><webhook name="chat" ${url}/>
    <webhook name="page.2" urlFile="page.url" format="text" headerFile="page.header" ca="ca.pem" timeout="30s"/>
    <webhook name="env" urlEnv="CHAT_URL" header="Authorization: Bearer T0KEN"/></alerts><client ip="10.0.0.1"/>`);
  const [chat, page, env] = webhooks;
  assert.ok(chat);
  const { name, format, header, ca, timeoutMs } = chat;
  assert.deepEqual(
    { name, format, header, ca, timeoutMs },
    { name: 'chat', format: 'alertmanager', header: null, ca: null, timeoutMs: 10_000 },
  );
  assert.equal(chat.url.reveal(), 'https://hooks.example.org/T0KEN');
  assert.match(page?.url.file ?? '', /\/page\.url$/);
  assert.match(page?.header?.file ?? '', /\/page\.header$/);
  assert.match(page?.ca ?? '', /\/ca\.pem$/);
  assert.deepEqual([page?.format, page?.timeoutMs], ['text', 30_000]);
  assert.equal(env?.url.origin, '$CHAT_URL');
  assert.equal(env.header?.reveal(), 'Authorization: Bearer T0KEN');
  assert.doesNotMatch(inspect(webhooks, { depth: 9, showHidden: true }), /T0KEN/);
  assert.doesNotMatch(JSON.stringify(webhooks), /T0KEN/);
});

test('it is notified as a recipient of <mail> is: further in, replaced, by severity, rules and hours', () => {
  const config = load(`<alerts mail="ops@example.org"><webhook name="chat" ${url} severity="critical"/></alerts>
    <client name="a" ip="10.0.0.1"/>
    <group name="db" recipients="replace"><webhook name="chat" rules="disk*" hours="08:00-18:00"/>
      <client name="b" ip="10.0.0.2"/></group>
    <client name="c" ip="10.0.0.3" mail="none"/>
    <client name="d" ip="10.0.0.4" mail="none"><webhook name="own" urlEnv="OWN"/></client>`);
  assert.deepEqual(recipientsOf(clientOf(config, 'a')), ['ops@example.org', 'webhook:chat critical']);
  assert.deepEqual(recipientsOf(clientOf(config, 'b')), ['webhook:chat rules disk* in hours']);
  assert.deepEqual(recipientsOf(clientOf(config, 'c')), []);
  assert.deepEqual(recipientsOf(clientOf(config, 'd')), ['webhook:own']);
  assert.deepEqual([clientOf(config, 'c').muted, clientOf(config, 'd').muted], [true, false]);
  assert.deepEqual(recipientsOf(config.alerts), ['ops@example.org', 'webhook:chat critical']);
  assert.deepEqual(
    config.webhooks.map(({ name }) => name),
    ['chat', 'own'],
  );
});

test('a rule that only a webhook hears of reaches somebody', () => {
  const rule = '<alert type="disk" limit="90%"/>';
  load(`<alerts><webhook name="chat" ${url}/>${rule}</alerts><client ip="10.0.0.1"/>`);
  assertFault(
    `<alerts><webhook name="chat" ${url} rules="load"/>${rule}</alerts><client ip="10.0.0.1"/>`,
    /reach nobody/,
  );
});

test('a rule that only an Alertmanager is posted reaches somebody', () => {
  const rule = '<alerts><alert type="disk" limit="90%"/></alerts><client ip="10.0.0.1"/>';
  assertFault(rule, /reach nobody/);
  load(`<alertmanager url="http://am:9093"/>${rule}`);
});

for (const [inside, words] of [
  ['<webhook name="chat"/>', /<webhook name="chat"> has no URL, and none of that name has one; write url=/],
  [`<webhook name="chat" ${url}/><webhook name="chat" urlFile="x"/>`, /a second <webhook name="chat"> with a URL/],
  [`<webhook name="chat" ${url}/><webhook name="chat" format="text" ca="x"/>`, /has format and ca but no URL; write/],
  [`<webhook name="chat" ${url} urlFile="x"/>`, /<webhook> has url and urlFile; keep one of them/],
  ['<webhook name="chat" urlFile="none"/>', /<webhook name="chat"> has no URL/],
  [`<webhook ${url}/>`, /<webhook> lacks name/],
  [`<webhook name="a b" ${url}/>`, /<webhook> name="a b" is no name of this kind/],
  [`<webhook name="a@b" ${url}/>`, /is no name of this kind/],
  [`<webhook name="chat" url="ftp://hooks.example.org/T0KEN"/>`, /<webhook> url is no web address/],
  [`<webhook name="chat" ${url} format="irc"/>`, /format="irc" is none of alertmanager, apprise, .*, text/],
  [`<webhook name="chat" ${url} timeout="3m"/>`, /timeout="3m" is not between 1s and 2m/],
  [`<webhook name="chat" ${url} header="T0KEN"/>`, /<webhook> header is no header; write one like/],
  [`<webhook name="chat" ${url} header="Content-Length: 7"/>`, /none that HTTP itself needs/],
  [`<webhook name="chat" ${url} header="A: b" headerFile="x"/>`, /has header and headerFile/],
  [`<webhook name="chat" ${url} labels="site"/>`, /labels="site" selects no labels/],
  [`<webhook name="chat" ${url} to="ops@example.org"/>`, /<webhook> has no attribute to/],
] as const) {
  test(`refused without the secret: ${inside}`, () => {
    const found = faultsOfText(`<config><alerts>${inside}</alerts><client ip="10.0.0.1"/></config>`).join('\n');
    assert.match(found, words);
    assert.doesNotMatch(found, /T0KEN/);
  });
}

test('it stands where <mail> stands, and nowhere else', () => {
  assertFault(`<webhook name="chat" ${url}/><client ip="10.0.0.1"/>`, /<webhook> cannot stand in <config>/);
});

for (const secret of [url, 'urlEnv="X" header="Authorization: T0KEN"']) {
  test(`a literal secret (${secret.split('=')[0]}) needs a file that only its owner reads`, () => {
    const file = configFile(
      `<config><alerts><webhook name="chat" ${secret}/></alerts><client ip="10.0.0.1"/></config>`,
    );
    chmodSync(file, 0o600);
    assert.deepEqual(faultsOfFile(file), []);
    chmodSync(file, 0o644);
    assert.match(faultsOfFile(file).join(''), /holds a secret \(line 1\) and can be read by everybody/);
  });
}

test('labels are names and values, each name once, none of an alert', () => {
  assert.deepEqual(parseLabels('site=fra,team=web tier=1'), { site: 'fra', team: 'web tier=1' });
  for (const text of [
    '',
    'site',
    'site=',
    '=fra',
    '1a=b',
    'a-b=c',
    'a=b,a=c',
    'instance=x',
    '__a=b',
    'a=b\u0007',
    'a=b,',
  ]) {
    assert.equal(parseLabels(text), null, text);
  }
  assert.equal(parseLabels(Array.from({ length: 21 }, (_, index) => `l${index}=x`).join(',')), null);
});

test('proxy of <smtp>: none by default, and a login in it makes config.xml a secret file', () => {
  const smtp = (more: string): string =>
    `<smtp host="mail.example.org" from="fleet@example.org" ${more}/><client ip="10.0.0.1"/>`;
  assert.equal(load(smtp('')).smtp?.proxy, 'none');
  assert.equal(load(smtp('proxy="environment"')).smtp?.proxy, 'environment');
  assertFault(smtp('proxy="socks5://proxy:1080"'), /<smtp> proxy is no HTTP proxy; write it like/);
  const file = configFile(`<config>${smtp('proxy="http://me:T0KEN@proxy:3128"')}</config>`);
  chmodSync(file, 0o644);
  assert.match(faultsOfFile(file).join(''), /holds a secret \(line 1\)/);
});
