import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configOf } from '../alerter/support/config-of.ts';

const inside = (text: string) => configOf(`<group transport="forward" labels="site=fra">${text}</group>`);
const fault = /inside a group with transport="forward": this collector would visit it, not that of the site fra/;

test('a client of a site that has a transport of its own is a fault, for hq would visit it', () => {
  const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
  assert.equal(inside(client).clients[0]?.forwardedBy, 'fra');
  assert.throws(() => inside('<client name="web-1" transport="local"/>'), { message: fault });
  assert.throws(() => inside(`<group transport="openssh">${client}</group>`), { message: fault });
  assert.throws(() => inside('<client name="web-1" ip="192.0.2.1" username="u"><ssh transport="ssh2"/></client>'));
});
