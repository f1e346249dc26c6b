import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  givesPower,
  namedChanges,
  namesSubject,
  setsNearHour,
  weighChanges,
  type WeighInput,
} from '../../../src/alerter/cause/weigh-changes.ts';
import { rootGroups } from '../../../src/report/state/state.ts';
import { fraction } from '../../../src/simulator/seeded.ts';
import type { ClientChange } from '../../../src/storage/store/digest-store.ts';

const minute = 60_000;
const hour = 60 * minute;
const startMs = Date.UTC(2026, 10, 10, 14);
const everybody = Array.from({ length: 80 }, (_, index) => `web-${index + 1}`);

/** Returns a change of web-1, found so many minutes before the alert, by a look five minutes after the one before. */
function change(item: string, minutesBefore: number, more: Partial<ClientChange> = {}): ClientChange {
  const latestAtMs = startMs - minutesBefore * minute;
  const [itemId, afterId] = [item.length * 31 + item.charCodeAt(item.length - 1), 1];
  const times = { earliestAtMs: latestAtMs - 5 * minute, latestAtMs };
  return { client: 'web-1', kind: 'file', item, oldValue: 'a', newValue: 'b', itemId, afterId, ...times, ...more };
}

interface Given extends Partial<Omit<WeighInput, 'failing'>> {
  readonly failing?: readonly string[];
  /** The members beside web-1 that have an item, by item. */
  readonly having?: Readonly<Record<string, readonly string[]>>;
}

/** Returns the sets in the order of the test: first item, count, verdict. */
function weigh(changes: readonly ClientChange[], { failing = ['web-1'], having = {}, ...more }: Given = {}) {
  const input: WeighInput = {
    ...{ client: 'web-1', subject: 'nginx.service', startMs, changes, leastChance: 0.02 },
    group: { name: 'web', knowing: () => new Set(everybody) },
    failing: new Map(failing.map((name) => [name, startMs])),
    holdersOf: ({ item }) => new Set(['web-1', ...(having[item] ?? [])]),
    earliestOf: () => startMs - 10 * minute,
    ...{ setsPerHour: 1 / 180, earlierDays: () => 0 },
    ...more,
  };
  return weighChanges(input);
}

const words = (sets: ReturnType<typeof weigh>): readonly string[] =>
  sets.map(({ changes, verdict }) => `${changes[0]?.item} ${changes.length} ${verdict}`);

const accounts: Readonly<Record<string, boolean>> = {
  '0 /root /bin/bash': true,
  ...Object.fromEntries(rootGroups.map((group) => [`1001 /home/zoe /bin/bash adm,${group}`, true])),
  '1001 /home/zoe /bin/bash sudo,users': true,
  '1001 /home/zoe /bin/bash adm': false,
  '1001 /home/sudoers /bin/bash': false,
  '100 /home/zoe /bin/bash': false,
};

for (const [newValue, isPower] of Object.entries(accounts)) {
  test(`an account ${newValue} ${isPower ? 'may' : 'may not'} become root`, () => {
    assert.equal(givesPower({ kind: 'account', item: 'zoe', newValue }), isPower);
  });
}

test('a change of the failing member alone, minutes before, is named', () => {
  const [set] = weigh([change('/etc/nginx/nginx.conf', 0)]);
  assert.deepEqual([set?.verdict, set?.beforeMs], ['named', 5 * minute]);
  assert.deepEqual(
    [set?.failing, set?.others],
    [
      { having: 1, all: 1 },
      { having: 0, all: 79 },
    ],
  );
  assert.ok((set?.chance ?? 1) < 1 / 1000);
});

test('a change that members have which do not fail is not named, however near', () => {
  const sets = weigh([change('/etc/hosts', 0)], { having: { '/etc/hosts': everybody } });
  assert.deepEqual(words(sets), ['/etc/hosts 1 others-have-it']);
});

test('a change hours before is named for all that fail and none of the others, and not for one alone', () => {
  const six = everybody.slice(0, 6);
  const early = [change('openssl amd64', 14 * 60, { kind: 'package' })];
  const far = { earliestOf: () => startMs - 14 * hour };
  assert.deepEqual(words(weigh(early, { failing: six, having: { 'openssl amd64': six }, ...far })), [
    'openssl amd64 1 named',
  ]);
  const alone = { group: null, setsPerHour: 1 / 60 };
  assert.deepEqual(words(weigh(early, { ...far, ...alone })), ['openssl amd64 1 by-chance']);
});

test('items with the same members less than half an hour apart are one set', () => {
  const sets = weigh([change('/etc/b', 40), change('/etc/a', 20), change('/etc/c', 75)]);
  assert.deepEqual(
    sets.map(({ changes }) => changes.map(({ item }) => item)),
    [['/etc/a', '/etc/b'], ['/etc/c']],
  );
  const apart = weigh([change('/etc/a', 20), change('/etc/b', 20)], { having: { '/etc/b': ['web-2'] } });
  assert.equal(apart.length, 2);
});

test('a change that names the subject is tested more leniently, and stands first in its set', () => {
  const busy = { setsPerHour: 1 / 30, group: null };
  const others = Array.from({ length: 6 }, (_, index) => change(`/etc/${'x'.repeat(index + 1)}`, 60 + index * 40));
  const naming = weigh([change('nginx-core amd64', 5, { kind: 'package' }), ...others], busy);
  const silent = weigh([change('other amd64', 5, { kind: 'package' }), ...others], busy);
  assert.ok((naming[0]?.chance ?? 1) * 4 < (silent[0]?.chance ?? 0));
  const set = weigh([change('apt', 0, { kind: 'package' }), change('/etc/nginx/x', 0)])[0];
  assert.deepEqual(
    set?.changes.map(({ item }) => item),
    ['/etc/nginx/x', 'apt'],
  );
});

test('restless items and ports that vanish with the alert are listed last, and not tested', () => {
  const port = { kind: 'listener', newValue: null, afterId: null };
  const sets = weigh([change('/etc/resolv.conf', 0), change('tcp 80', 0, port), change('/etc/own', 0)], {
    earlierDays: ({ item }) => (item === '/etc/resolv.conf' ? 5 : 4),
  });
  assert.deepEqual(words(sets), ['/etc/own 1 named', '/etc/resolv.conf 1 restless', 'tcp 80 1 same-time']);
  assert.deepEqual(words(weigh([change('tcp 80', 30, port)])), ['tcp 80 1 named']);
});

test('a change after the first bad row is none, and one that a later look finds is listed and never named', () => {
  assert.deepEqual(weigh([change('/etc/a', -10), change('/etc/b', 25 * 60)]), []);
  const straddling = change('/etc/a', -4, { earliestAtMs: startMs - minute });
  assert.deepEqual(words(weigh([straddling])), ['/etc/a 1 found-later']);
});

test('at most three sets are named', () => {
  const edits = [0, 40, 80, 120].map((minutes, index) => change(`/etc/nginx${index}`, minutes));
  const sets = weigh(edits, { setsPerHour: 1 / 1800 });
  assert.deepEqual(
    sets.map(({ verdict }) => verdict),
    ['named', 'named', 'named', 'by-chance'],
  );
});

test('a change of a member that fails alone is no rarer in a large group, and one of all that fail is', () => {
  const edit = change('/etc/nginx/nginx.conf', 0);
  const [alone] = weigh([edit], { group: null });
  const [ofMany] = weigh([edit]);
  assert.equal(ofMany?.chance, alone?.chance);
  const two = everybody.slice(0, 2);
  const [ofTwo] = weigh([edit], { failing: two, having: { [edit.item]: two } });
  assert.ok((ofTwo?.chance ?? 1) < (alone?.chance ?? 0));
});

/** Returns the share of alerts without a cause that name a change, in a group whose members are edited by people. */
function shareNamed(members: number, failing: number, alerts: number): number {
  const perHour = 1 / 20;
  const names = everybody.slice(0, members);
  const group = { name: 'web', knowing: () => new Set(names) };
  let named = 0;
  for (let seed = 0; seed < alerts; seed++) {
    const edits: ClientChange[] = [];
    const next = (from: number): number =>
      from - (Math.log(1 - fraction(members, failing, seed, edits.length)) / perHour) * 60;
    for (let minutes = next(0); minutes < 24 * 60; minutes = next(minutes)) {
      const [latestAtMs, item] = [startMs - minutes * minute, `/etc/own${edits.length}`];
      edits.push(change(item, 0, { earliestAtMs: latestAtMs, latestAtMs }));
    }
    const sets = weigh(edits, { group, failing: names.slice(0, failing), setsPerHour: perHour });
    if (sets.some(({ verdict }) => verdict === 'named')) named += 1;
  }
  return named / alerts;
}

test('about 2 of 100 alerts without a cause name a change, whatever the size of the group', () => {
  for (const [members, failing] of [
    [6, 1],
    [20, 1],
    [80, 1],
    [80, 4],
  ] as const) {
    const share = shareNamed(members, failing, 1000);
    assert.ok(share <= 0.03, `${failing} of ${members}: ${share}`);
  }
});

test('a member whose state is not known does not count', () => {
  const known = { name: 'web', knowing: () => new Set(everybody.slice(0, 10)) };
  const [set] = weigh([change('/etc/a', 0)], { group: known, failing: ['web-1', 'web-70'] });
  assert.deepEqual([set?.failing.all, set?.others.all], [1, 9]);
});

test('the words of a subject are found in the names of items', () => {
  const names = (subject: string, item: string): boolean => namesSubject(subject)({ kind: 'file', item });
  for (const item of ['nginx.service', 'nginx-core amd64', '/etc/nginx/x'])
    assert.ok(names('nginx.service', item), item);
  assert.ok(names('postgresql@15-main.service', 'postgresql-15 amd64'));
  assert.ok(names('/srv', '/srv') && names('/srv', '/srv/data') && !names('/srv', '/srv2') && !names('/', '/etc/x'));
  assert.ok(!names('', '/etc/x') && !names('ab.service', '/etc/ab') && names('SSH.service', 'openssh-server'));
  assert.ok(names('ssh.service', 'OpenSSH'));
});

test('sets are counted within three hours of the time of day, across midnight', () => {
  const at = (days: number, hours: number): number => startMs - days * 24 * hour + hours * hour;
  assert.equal(setsNearHour([at(3, 0), at(3, 0.2), at(2, 2.9), at(1, 4)].sort(), startMs), 2);
  assert.deepEqual([setsNearHour([at(1, 3)], startMs), setsNearHour([at(1, 3.01)], startMs)], [1, 0]);
  assert.deepEqual(
    [setsNearHour([at(1, 0), at(1, 0.5)], startMs), setsNearHour([at(1, 0), at(1, 0.4)], startMs)],
    [2, 1],
  );
  const midnight = Date.UTC(2026, 10, 10, 0, 30);
  assert.equal(setsNearHour([midnight - 25 * hour, midnight - 22 * hour, midnight - 12 * hour], midnight), 2);
});

/** Returns a change at a time of its own, such as that of a file. */
const edited = (item: string, minutesBefore: number): ClientChange => {
  const atMs = startMs - minutesBefore * minute;
  return change(item, 0, { earliestAtMs: atMs, latestAtMs: atMs });
};

test('after an absence all changes since the last report are one set, and no others', () => {
  const found = change('lib', -20, { kind: 'package', earliestAtMs: startMs - 50 * hour });
  const sets = weigh(
    [
      ...[edited('/etc/early', 47 * 60), edited('/etc/late', 1), found],
      // The look of the last visit, half a minute after its report; a day before it; and after the return.
      change('/etc/last', 48 * 60 - 0.5),
      ...[edited('/etc/before', 49 * 60), change('/etc/next', -5, { earliestAtMs: startMs + minute })],
    ],
    { awaySinceMs: startMs - 48 * hour, having: { '/etc/early': everybody } },
  );
  assert.deepEqual(
    sets.map(({ verdict, changes, earliestMs }) => [verdict, changes.map(({ item }) => item), earliestMs]),
    [['while-away', ['/etc/early', 'lib', '/etc/late'], startMs - 48 * hour]],
  );
});

test('what decides who may become root is an account with a group of root, or a file of sudo', () => {
  const gives = (kind: string, item: string): boolean => givesPower({ kind, item, newValue: null });
  assert.deepEqual(
    [gives('file', '/etc/sudoers'), gives('file', '/etc/sudoers.d/zoe'), gives('file', '/etc/sudo.conf')],
    [true, true, false],
  );
  assert.equal(gives('account', 'zoe'), false);
});

test('a set is told by its rarest kinds, one change of each before a second, and root before all', () => {
  const kinds = ['package', 'file', 'listener', 'mount', 'unit', 'system', 'account'];
  const ordinary = kinds.map((kind) => change(`one ${kind}`, 0, { kind, newValue: 'x' }));
  const again = change('other account', 0, { kind: 'account', newValue: 'x' });
  const sudo = change('/etc/sudoers', 0);
  const [set] = weigh([...ordinary, again, sudo], { subject: '' });
  assert.deepEqual(
    set?.changes.map(({ item }) => item),
    [
      ...['/etc/sudoers', 'one account', 'one system', 'one unit', 'one mount', 'one listener', 'one package'],
      ...['other account', 'one file'],
    ],
  );
});

test('a set is stored by its first change, two further ones, and the number and kind of the rest', () => {
  const stored = (count: number, ...kinds: readonly string[]) => {
    const changes = Array.from({ length: count }, (_, index) =>
      change(`/etc/${index}`, 0, { kind: kinds[index - 3] ?? 'file' }),
    );
    const [set] = weigh(changes, { subject: '' });
    assert.ok(set);
    const { item, further, more, moreKind } = namedChanges({ ...set, changes }, 'web');
    return [item, further?.map((one) => one.item), more, moreKind];
  };
  assert.deepEqual(stored(1), ['/etc/0', undefined, 0, null]);
  assert.deepEqual(stored(3), ['/etc/0', ['/etc/1', '/etc/2'], 2, null]);
  assert.deepEqual(stored(4), ['/etc/0', ['/etc/1', '/etc/2'], 3, 'file']);
  assert.deepEqual(stored(5, 'unit', 'unit').slice(2), [4, 'unit']);
  assert.deepEqual(stored(5, 'unit', 'mount').slice(2), [4, null]);
});

test('a change with a kernel hides the boot that brought it', () => {
  const system = { kind: 'system' };
  assert.deepEqual(words(weigh([change('kernel', 0, system), change('boot', 0, system)])), ['kernel 1 named']);
  assert.equal(weigh([change('kernel', 40, system), change('boot', 0, system)]).length, 2);
});

const hours = (count: number): number => count * 60;
const later = (item: string, minutesAfter: number): ClientChange =>
  change(item, -minutesAfter, { earliestAtMs: startMs - minute });
/** Changes at the bounds of what is looked at, and their sets. */
const bounds: readonly (readonly [what: string, changes: readonly ClientChange[], sets: readonly string[]])[] = [
  ['29 minutes apart', [change('/etc/a', 0), change('/etc/b', 29)], ['/etc/a 2 named']],
  ['half an hour apart', [change('/etc/a', 0), change('/etc/b', 30)], ['/etc/a 1 named', '/etc/b 1 named']],
  ['a minute less than a day before', [change('/etc/a', hours(24) - 1)], ['/etc/a 1 by-chance']],
  ['a day before', [change('/etc/a', hours(24))], []],
  ['by the look of the same visit', [later('/etc/a', 1)], ['/etc/a 1 named']],
  ['by the next look', [later('/etc/a', 1.1)], ['/etc/a 1 found-later']],
  ['by a look two hours later', [later('/etc/a', hours(2))], ['/etc/a 1 found-later']],
  ['by a look after that', [later('/etc/a', hours(2) + 1)], []],
  ['that may have come with the alert', [change('/etc/a', -1, { earliestAtMs: startMs })], ['/etc/a 1 named']],
  ['of a mount that went with it', [change('/srv', 1, { kind: 'mount', newValue: null })], ['/srv 1 same-time']],
  ['of a mount that went before', [change('/srv', 1.1, { kind: 'mount', newValue: null })], ['/srv 1 named']],
  ['that came after it', [change('/etc/a', -1, { earliestAtMs: startMs + 1 })], []],
];
for (const [what, changes, sets] of bounds) {
  test(`changes ${what}: ${sets.join(', ') || 'none'}`, () => assert.deepEqual(words(weigh(changes)), sets));
}

const near = (found: number | null | undefined, wanted: number): void =>
  assert.ok(Math.abs((found ?? NaN) / wanted - 1) < 1e-9, `${found} is not ${wanted}`);

test('sets that name the subject share four fifths of what may be named by chance, and the others one fifth', () => {
  const busy = { group: null, setsPerHour: 1 / 100 };
  const chanceOf = (items: readonly string[]): ReadonlyMap<string | undefined, number | null> =>
    new Map(
      weigh(
        items.map((item, index) => change(item, 40 * (index + 1))),
        busy,
      ).map(({ changes, chance }) => [changes[0]?.item, chance]),
    );
  const alone = (index: number): number =>
    chanceOf(Array.from({ length: index + 1 }, (_, at) => `/etc/${at}`)).get(`/etc/${index}`) ?? NaN;
  const [one, two, three] = [alone(0), alone(1) / 2, alone(2) / 3];
  const some = chanceOf(['nginx', '/etc/b', '/etc/c']);
  near(some.get('nginx'), one / 0.8);
  near(some.get('/etc/b'), two / 0.1);
  near(some.get('/etc/c'), three / 0.1);
  const all = chanceOf(['nginx', 'nginx-core']);
  near(all.get('nginx'), one / 0.5);
  near(all.get('nginx-core'), two / 0.5);
});

test('no chance is more than 1, and of equal ones the newest set comes first', () => {
  const sets = weigh([change('/etc/old', 600), change('/etc/new', 300)], { group: null, setsPerHour: 10 });
  assert.deepEqual(words(sets), ['/etc/new 1 by-chance', '/etc/old 1 by-chance']);
  assert.deepEqual(
    sets.map(({ chance }) => chance),
    [1, 1],
  );
});

test('sets that others have take no place of those that are named', () => {
  const common = ['/etc/a', '/etc/b', '/etc/c'];
  const changes = [...common.map((item, index) => change(item, 31 * index)), change('/etc/own', 620)];
  const having = Object.fromEntries(common.map((item) => [item, everybody]));
  assert.deepEqual(words(weigh(changes, { having, setsPerHour: 1 / 1800, leastChance: 0.05 })), [
    ...common.map((item) => `${item} 1 others-have-it`),
    '/etc/own 1 named',
  ]);
});

test('an absence is one of the three sets that are named', () => {
  const before = [130, 170, 210].map((minutes, index) => change(`/etc/${index}`, minutes));
  const sets = weigh([edited('/etc/away', 60), edited('/etc/soon', 119.5), ...before], {
    ...{ awaySinceMs: startMs - 2 * hour, setsPerHour: 1 / 1800 },
  });
  assert.deepEqual(words(sets), [
    ...['/etc/away 2 while-away', '/etc/0 1 named', '/etc/1 1 named', '/etc/2 1 by-chance'],
  ]);
});

test('a restless item has the number of days on which it changed', () => {
  const [set] = weigh([change('/etc/resolv.conf', 0)], { earlierDays: () => 7 });
  assert.deepEqual([set?.verdict, set?.days, set?.chance], ['restless', 7, null]);
});

test('a set came when the item whose time is known best did, for the members that have it', () => {
  const changes = [change('zlib', 8, { kind: 'package' }), edited('/etc/a', 10)];
  const [set] = weigh(changes, { failing: ['web-1', 'web-2'], earliestOf: () => startMs - 20 * minute });
  const since = (atMs = NaN): number => (startMs - atMs) / minute;
  assert.deepEqual([since(set?.earliestMs), since(set?.latestMs), (set?.beforeMs ?? NaN) / minute], [10, 8, 10]);
  const [ofBoth] = weigh(changes, {
    ...{ failing: ['web-1', 'web-2'], having: { '/etc/a': ['web-2'], zlib: ['web-2'] } },
    earliestOf: () => startMs - 30 * minute,
  });
  assert.equal((ofBoth?.beforeMs ?? NaN) / minute, 30);
});

test('members are compared whose packages are known, if a package is among the changes', () => {
  const knowing = (kind: string): ReadonlySet<string> => new Set(everybody.slice(0, kind === 'package' ? 10 : 80));
  const [set] = weigh([change('/etc/a', 0), change('zlib', 0, { kind: 'package' })], {
    group: { name: 'web', knowing },
  });
  assert.equal(set?.others.all, 9);
});

test('a change at the moment of the alert is as near as one a minute before', () => {
  const rate = { group: null, setsPerHour: 1 / 180 };
  for (const minutes of [0, 1]) near(weigh([edited('/etc/a', minutes)], rate)[0]?.chance, -Math.expm1(-1 / 180 / 60));
});

test('all that names the subject, and all that gives root, is told before other kinds', () => {
  const told = (...items: readonly string[]): readonly (string | undefined)[] =>
    weigh([change('apt', 0, { kind: 'package' }), ...items.map((item) => change(item, 0))])[0]?.changes.map(
      ({ item }) => item,
    ) ?? [];
  const nginx = ['/etc/nginx/a', '/etc/nginx/b'];
  assert.deepEqual(told(...nginx), [...nginx, 'apt']);
  const sudo = ['/etc/sudoers', '/etc/sudoers.d/zoe'];
  assert.deepEqual(told(...sudo), [...sudo, 'apt']);
});

test('changes of an absence are stored with the boot in it, and without a chance', () => {
  const bootedAtMs = startMs - 30 * minute;
  const boot = change('boot', 0, { kind: 'system', earliestAtMs: bootedAtMs });
  const storedOf = (more: Given) => {
    const [set] = weigh([boot], { bootedAtMs, ...more });
    assert.ok(set);
    const { before, after, away, bootBeforeMs, chance } = namedChanges(set, null);
    return { before, after, away, bootBeforeMs, isCertain: chance === 1 };
  };
  const values = { before: 'a', after: 'b' };
  const boots = { away: true, bootBeforeMs: 30 * minute, isCertain: true };
  assert.deepEqual(storedOf({ awaySinceMs: startMs - 2 * hour }), { ...values, ...boots });
  const none = { away: undefined, bootBeforeMs: undefined, isCertain: false };
  assert.deepEqual(storedOf({}), { ...values, ...none });
});
