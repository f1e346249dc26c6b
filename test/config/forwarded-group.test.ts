import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configOf } from '../alerter/support/config-of.ts';

const inside = (text: string) => configOf(`<group transport="forward" labels="site=fra">${text}</group>`);
const fault = /inside a group with transport="forward": this collector would visit it, not that of the site fra/;

test('a site has a name that fits the header of its pushes', () => {
  const of = (site: string) =>
    configOf(`<group transport="forward" labels="site=${site}"><client ip="192.0.2.1"/></group>`);
  assert.equal(of('f'.repeat(128)).clients.length, 1);
  for (const site of ['f'.repeat(129), 'ü'.repeat(67)]) {
    assert.throws(() => of(site), { message: /the name of its site is too long; write a shorter one/ });
  }
});

test('a client of a site that has a transport of its own is a fault, for hq would visit it', () => {
  const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
  assert.deepEqual(inside(client).clients[0]?.arrival, { kind: 'site', site: 'fra' });
  assert.throws(() => inside('<client name="web-1" transport="local"/>'), { message: fault });
  assert.throws(() => inside(`<group transport="openssh">${client}</group>`), { message: fault });
  assert.throws(() => inside('<client name="web-1" ip="192.0.2.1" username="u"><ssh transport="ssh2"/></client>'));
});
