import assert from 'node:assert/strict';
import { test } from 'node:test';

import { firstConfig } from '../../../src/cli/set-up/first-config.ts';

/** Returns the clients that `init` writes for an answer. */
function clientsFor(clients: string): readonly string[] {
  const text = firstConfig({ mailTo: 'a@example.org', smtp: 'none', username: 'root', key: null, clients });
  return [...text.matchAll(/<client .*\/>/g)].map(([element]) => element);
}

test('a name is left to ssh_config and DNS, a range of names too', () => {
  for (const name of ['nas', 'my_nas', 'web-1.example.org', 'web-[1-3].example.org', '10.0.0.[1-3]']) {
    assert.deepEqual(clientsFor(name), [`<client name="${name}"/>`]);
  }
  assert.deepEqual(clientsFor('2001:db8::1'), ['<client name="2001:db8::1" ip="2001:db8::1"/>']);
});

test('what is no name is written as an address, of which the loader says what is wrong', () => {
  const words = ['root@nas', 'edge:ssh', 'ssh://ops@nas', 'bücher.example', '192.0.2.1/24', '010.0.0.1', 'a..b', '-x'];
  for (const word of words) assert.deepEqual(clientsFor(word), [`<client name="${word}" ip="${word}"/>`]);
});

for (const [answer, client] of [
  ['edge:2222', '<client name="edge" port="2222"/>'],
  ['web-1=192.0.2.1:2222', '<client name="web-1" ip="192.0.2.1" port="2222"/>'],
  ['v6=2001:db8::22', '<client name="v6" ip="2001:db8::22"/>'],
  ['v6=[2001:db8::1]:2222', '<client name="v6" ip="2001:db8::1" port="2222"/>'],
  ['web-[1-3]:2222', '<client name="web-[1-3]" port="2222"/>'],
] as const) {
  test(`the port of a machine: ${answer}`, () => {
    assert.deepEqual(clientsFor(answer), [client]);
  });
}
