import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { clientOf, fieldsOf, load, namesOf, nowMs, warnings } from './support/config-files.ts';

test('names come from addresses when none is given', () => {
  const config =
    load(`<client ip="10.0.0.1"/><client ip="10.0.0.1" port="2222"/><client ip="::1"/><client ip="::1" port="2222"/>
     <client address="web.example.org"/><client name="here" transport="local"/><group port="24">
     <client ip="10.0.0.2"/></group>`);
  assert.deepEqual(fieldsOf(config, 'name', 'address', 'port'), [
    ['10.0.0.1', '10.0.0.1', 22],
    ['10.0.0.1:2222', '10.0.0.1', 2222],
    ['::1', '::1', 22],
    ['[::1]:2222', '::1', 2222],
    ['web.example.org', 'web.example.org', 22],
    ['here', 'localhost', 22],
    ['10.0.0.2:24', '10.0.0.2', 24],
  ]);
});

test('one address in two forms is one machine, behind one bastion too', () => {
  for (const [first, second] of [
    ['ip="2001:db8::7"', 'ip="2001:DB8:0:0::7"'],
    ['ip="192.0.2.7"', 'ip="::ffff:192.0.2.7"'],
    ['ip="10.0.0.1" proxyJump="me@[2001:db8::1]:22"', 'ip="10.0.0.1" proxyJump="me@[2001:DB8::0:1]:22"'],
  ]) {
    const said = warnings(`<client ${first}/><client ${second} name="b"/>`).join('\n');
    assert.match(said, /client "b" is .* again/, second);
  }
});

test('ranges go through name, address and former name together', () => {
  const config = load('<client name="web-[08-10]" ip="10.0.0.[18-20]" was="www[8-10]"/>');
  assert.deepEqual(fieldsOf(config, 'name', 'address', 'was'), [
    ['web-08', '10.0.0.18', 'www8'],
    ['web-09', '10.0.0.19', 'www9'],
    ['web-10', '10.0.0.20', 'www10'],
  ]);
});

test('a range is as many clients as numbers, each with its own name', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 55 }), (from, count) => {
      const config = load(`<client ip="10.0.0.[${from}-${from + count - 1}]"/>`);
      assert.equal(config.clients.length, count);
      assert.equal(new Set(namesOf(config)).size, count);
      assert.ok(
        config.clients.every(({ name, address }, index) => name === address && address === `10.0.0.${from + index}`),
      );
    }),
    { numRuns: 30 },
  );
});

test('groups are named from the outermost; nameless ones are left out', () => {
  const config = load(
    '<group name="web"><group><group name="edge"><client name="a" ip="10.0.0.1"/></group></group>' +
      '<client name="b" ip="10.0.0.2"/></group>',
  );
  assert.deepEqual(clientOf(config, 'a').groups, ['web', 'edge']);
  assert.deepEqual(clientOf(config, 'b').groups, ['web']);
});

test('a machine is another one when the way to it is another, and two names of one machine are two clients', () => {
  const config = load(`<bastion name="b" ip="10.0.0.9"/><ssh passwordEnv="P"/><alerts mail="a@b"/>
     <client name="a" ip="10.0.0.1"/><client name="b" ip="10.0.0.1" proxyJump="b"/>
     <client name="c" ip="10.0.0.1" port="23"/>
     <client name="d" ip="10.0.0.1" transport="local"/><client name="e" ip="10.0.0.1" state="retired"/>`);
  assert.deepEqual(namesOf(config), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(config.warnings, []);
  const twice = '<ssh passwordEnv="P"/><alerts mail="a@b"/>\n<client name="a" ip="WEB"/>\n<client name="b" ip="web"/>';
  assert.deepEqual(warnings(twice), [
    'config.xml:4: clients "a", "b" reach the same machine (web, port 22): each is visited, ' +
      'and people are notified of each; if they are one, keep one',
  ]);
  const accounts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(
    (name) => `<client name="${name}" ip="web" username="${name}"/>`,
  );
  assert.match(
    warnings(`<ssh passwordEnv="P"/><alerts mail="a@b"/>${accounts.join('')}`).join('\n'),
    /^.*"e" and 2 more reach.*$/,
  );
  assert.equal(load(twice).clients.length, 2);
  const nameless = twice.replace('name="a" ', '');
  assert.deepEqual(warnings(nameless), [
    'config.xml:4: client "b" is "WEB" again (web, port 22); it is written already at config.xml:3; the first ' +
      'counts, remove this one',
  ]);
});

test('a retired client gives its address free to the one that follows', () => {
  const config = load('<client name="old" ip="10.0.0.1" state="retired"/><client name="new" ip="10.0.0.1"/>');
  assert.deepEqual(namesOf(config), ['old', 'new']);
});

test('states are inherited, and end', () => {
  const config = load(`<alerts zone="Europe/Berlin"/><group state="paused"><client name="a" ip="10.0.0.1"/>
     <client name="b" ip="10.0.0.2" state="active"/>
     <client name="c" ip="10.0.0.3" until="2026-12-01"/></group>
     <client name="d" ip="10.0.0.4" state="retired" until="2026-11-20 10:59"/>
     <client name="e" ip="10.0.0.5" state="retired"/>
     <client name="f" ip="10.0.0.6" state="paused" until="2026-11-20 11:01"/>`);
  assert.deepEqual(fieldsOf(config, 'name', 'state', 'untilMs'), [
    ['a', 'paused', null],
    ['b', 'active', null],
    ['c', 'paused', Date.parse('2026-11-30T23:00:00Z')],
    ['d', 'active', null],
    ['e', 'retired', null],
    ['f', 'paused', nowMs + 60_000],
  ]);
  assert.ok(config.warnings.some(({ message }) => message.includes('state="retired" ended at 2026-11-20 10:59')));
});

test('50,000 clients load, share what is equal, and are frozen', () => {
  const config = load(
    '<alerts mail="a@b"><alert type="cpu" limit="5%"/></alerts>' +
      '<client name="a-[1-25000]" ip="a-[1-25000].example.org"/>' +
      '<client name="b-[1-25000]" ip="b-[1-25000]" username="u"/>',
  );
  assert.equal(config.clients.length, 50_000);
  assert.equal(new Set(config.clients.map(({ rules }) => rules)).size, 1);
  assert.equal(new Set(config.clients.map(({ ssh }) => ssh)).size, 2);
  assert.ok(config.clients.every((client) => Object.isFrozen(client)));
});

test('everything of a configuration is frozen', () => {
  const config = load(`<smtp host="localhost"/><notify command="x" rules="a,b"/><heartbeat url="https://x/"/>
     <bastion name="b" ip="10.0.0.9"/>
     <alerts mail="a@b"><window start="02:00" duration="1h" days="sun" rules="x"/><mail to="c@d" rules="y"/></alerts>
     <group name="g"><client ip="10.0.0.1" password="x"><alert type="process" match="x" mail="e@f"/></client></group>`);
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    assert.ok(Object.isFrozen(value), path);
    for (const [key, part] of Object.entries(value)) visit(part, `${path}.${key}`);
  };
  visit(config, 'config');
});

test('clients with an ssh-agent are no warning', () => {
  assert.deepEqual(
    warnings('<smtp host="localhost" from="f@b" fallback="a@b"/><client ip="10.0.0.1" agent="env"/>'),
    [],
  );
  assert.deepEqual(warnings('<client ip="10.0.0.1" agent="env" mail="none"/>'), []);
});
