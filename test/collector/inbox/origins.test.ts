/** Whose files those of the inbox are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  clientsOfSites,
  documentsOf,
  folderOfSite,
  inTurns,
  maxRunBytes,
} from '../../../src/collector/inbox/origins.ts';

const mib = 1024 * 1024;

for (const [what, lists, wanted] of [
  ['no list', [], []],
  ['lists without members', [[], []], []],
  ['one list', [['a', 'b']], ['a', 'b']],
  ['the first of each list first', [['a', 'b', 'c'], ['d'], ['e', 'f']], ['a', 'd', 'e', 'b', 'f', 'c']],
  ['a list that begins later', [[], ['d', 'e']], ['d', 'e']],
] as const) {
  test(`in turns: ${what}`, () => {
    assert.deepEqual(inTurns<string>(lists), wanted);
  });
}

test('a site has its clients by their names and former names, but for those that are retired', () => {
  const ofSite = (site: string) => ({ kind: 'site', site }) as const;
  const clients: Parameters<typeof clientsOfSites>[0] = [
    { name: 'a', was: 'old-a', arrival: ofSite('fra') },
    { name: 'b', was: null, arrival: ofSite('fra'), state: 'retired' },
    { name: 'c', was: 'a', arrival: ofSite('ber') },
    { name: 'd', was: null },
    { name: 'e', was: 'f', arrival: ofSite('fra') },
    { name: 'f', was: null, arrival: ofSite('fra') },
  ];
  const sites = clientsOfSites(clients);
  assert.deepEqual([...sites.keys()].sort(), [folderOfSite('ber'), folderOfSite('fra')]);
  const named = (site: string): unknown =>
    Object.fromEntries([...(sites.get(folderOfSite(site))?.clients ?? [])].map(([key, { name }]) => [key, name]));
  assert.deepEqual(named('fra'), { a: 'a', 'old-a': 'a', e: 'e', f: 'f' });
  assert.deepEqual(named('ber'), { a: 'c', c: 'c' });
});

test('documents of a site lie below its folder, those of this machine beside', () => {
  const paths = { inbox: '/inbox' };
  assert.equal(documentsOf(paths, { kind: 'site', site: 'fra' }), `/inbox/${folderOfSite('fra')}/collector`);
  assert.equal(documentsOf(paths, { kind: 'collector' }), '/inbox/collector');
  assert.equal(documentsOf(paths, { kind: 'events' }), '/inbox/events');
  assert.notEqual(folderOfSite('fra'), folderOfSite('FRA'));
});

test('a run reads one document of any size of a small site, and at most all that may wait of a large one', () => {
  assert.equal(maxRunBytes(0), 2 * mib);
  assert.equal(maxRunBytes(64), 3 * mib);
  assert.equal(maxRunBytes(100_000), 32 * mib);
});
