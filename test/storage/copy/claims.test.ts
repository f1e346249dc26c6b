/** Which target a copy may fill, and which counters it raises, over databases in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { carryCounters } from '../../../src/storage/copy/carry-counters.ts';
import { type Claim, claimTarget, markWhole } from '../../../src/storage/copy/claim-target.ts';
import type { Database, SqlRow } from '../../../src/storage/sql/database.ts';
import { StorageFault, type FaultKind } from '../../../src/storage/sql/fault.ts';
import type { Table } from '../../../src/storage/sql/tables.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { answering } from '../support/answering.ts';

type Rows = Readonly<Record<string, readonly SqlRow[]>>;

/** Returns a database with these answers, by a part of the query. A query without an answer has no rows. */
const having = (rows: Rows) =>
  answering(({ sql }) => Object.entries(rows).find(([part]) => sql.includes(part))?.[1] ?? []);

const tables: readonly Table[] = ['clients', 'runs'].map((name) => ({ name, key: ['id'] }));
const mark = (holder = 'copy of a') => ({ holder, touched: 4, touched_at: '2026-11-20 10:00:00.000' });
const copied = { 'FROM leases': [mark()] };

/** Claims a target with these rows for a source with those. Returns the target, and whether its schema was made. */
async function claimed(target: Rows, source: Rows = {}, more: Partial<Claim> = {}) {
  const [from, to] = [having(source), having(target)];
  let made = 0;
  const claim = { source: from.database, target: to.database, tables, from: 'a', to: 'b', overwrite: false, ...more };
  await claimTarget(claim, () => Promise.resolve(void (made += 1)));
  assert.equal(made, 1);
  return { ...to, asked: from.asked };
}

const refused = (message: string) => ({ code: 'usage', message });

test('an empty target is marked once, and one with rows of its own is left alone', async () => {
  const { changed } = await claimed({}, {}, { from: 'a'.repeat(300) });
  assert.deepEqual(pluck(changed, 'values'), [['copy', `copy of ${'a'.repeat(247)}`]]);
  assert.deepEqual((await claimed(copied)).changed, []);
  const filled = { 'FROM clients': [{ id: 1 }], 'FROM runs LIMIT': [{ id: 1 }] };
  await assert.rejects(claimed(filled), refused('b is not empty, and no copy of a: clients, runs has rows'));
  await assert.rejects(
    claimed({ 'FROM runs LIMIT': [{ id: 1 }] }),
    refused('b is not empty, and no copy of a: runs has rows'),
  );
  await assert.rejects(claimed({ 'FROM leases': [mark('copy of c')] }), refused('b is a copy of c, not of a'));
});

for (const [kind, isEmpty] of [
  ['schema', true],
  ['denied', false],
] as const satisfies readonly (readonly [FaultKind, boolean])[]) {
  test(`a target whose tables answer with "${kind}" is ${isEmpty ? 'empty' : 'no target'}`, async () => {
    const { database, session } = answering();
    const faulty = { ...session, all: () => Promise.reject(new StorageFault(kind, kind)) };
    const read: Database['read'] = (work) => work(faulty);
    const target = { ...database, read };
    const claim = { source: database, target, tables, from: 'a', to: 'b', overwrite: false };
    const claiming = claimTarget(claim, () => Promise.resolve());
    await (isEmpty ? claiming : assert.rejects(claiming, { kind }));
  });
}

const run = (id: string, day: number) => ({ id, started_at: `2026-11-${day} 10:00:00.000` });

for (const { what, newest, known, oldest, own } of [
  { what: 'has run nothing', newest: [], known: [], oldest: null, own: null },
  { what: 'has the runs of its source', newest: [run('r', 20)], known: ['r'], oldest: 10, own: null },
  { what: 'ran after the copy', newest: [run('own', 21), run('r', 20)], known: ['r'], oldest: 10, own: 21 },
  {
    what: 'ran on the oldest day of the source',
    newest: [run('r', 20), run('own', 10)],
    known: ['r'],
    oldest: 10,
    own: 10,
  },
  {
    what: 'has a run that is pruned in the source',
    newest: [run('r', 20), run('old', 12)],
    known: ['r'],
    oldest: 13,
    own: null,
  },
  { what: 'has no run of a source made anew', newest: [run('old', 12)], known: [], oldest: 13, own: 12 },
  { what: 'has no run of a source without any', newest: [run('old', 12)], known: [], oldest: null, own: 12 },
]) {
  test(`a copy that ${what} ${own === null ? 'is filled' : 'is not touched'}`, async () => {
    const target = { ...copied, 'FROM runs ORDER BY': newest };
    const at = oldest === null ? null : run('', oldest).started_at;
    const source = { 'FROM runs WHERE id': known.map((id) => ({ id })), 'MIN(started_at)': [{ at }] };
    if (own === null) {
      await claimed(target, source);
      return;
    }
    const message = `b has been used since it was copied, or a was made anew: it has no run of ${run('', own).started_at}`;
    await assert.rejects(claimed(target, source), refused(message));
    await assert.rejects(claimed(target, source, { overwrite: true }), refused(message));
  });
}

test('silences and acknowledgements of the copy are named, unless the source has them too or they may go', async () => {
  const from = '2026-11-20 11:00:00.000';
  const silence = (id: number, more: object = {}) => ({
    id,
    client: 'web',
    rule: '*',
    subject: '*',
    starts_at: from,
    author: 'kim',
    comment: '',
    ...more,
  });
  const held = { id: 8, client: 'db', acknowledged_by: 'kim' };
  const target = { ...copied, 'FROM silences': [silence(5), silence(6, { comment: 'own' })], 'FROM alerts': [held] };
  const has = 'b has what a does not have, made since it was copied: ';
  const words = (known: readonly SqlRow[], alerts: readonly SqlRow[]) =>
    claimed(target, { 'FROM silences': known, 'FROM alerts': alerts });
  await assert.rejects(
    words([], []),
    refused(`${has}silence 5 of web, silence 6 of web, acknowledgement of alert 8 of db`),
  );
  await assert.rejects(words([silence(1)], [held]), refused(`${has}silence 6 of web`));
  await words([silence(1), silence(2, { comment: 'own' })], [held]);
  for (const other of [
    { client: 'x' },
    { rule: 'x' },
    { subject: 'x' },
    { starts_at: mark().touched_at },
    { author: 'x' },
  ])
    await assert.rejects(
      words([silence(1, other), silence(2, { comment: 'own' })], [held]),
      refused(`${has}silence 5 of web`),
    );
  assert.equal((await claimed(target, {}, { overwrite: true })).asked.length, 0);
  assert.equal((await claimed(copied)).asked.length, 0);
});

test('only silences and acknowledgements since the copy are looked at', async () => {
  const { database, asked } = having(copied);
  const claim = { source: answering().database, target: database, tables, from: 'a', to: 'b', overwrite: false };
  await claimTarget(claim, () => Promise.resolve());
  const { touched, touched_at: copiedAt } = mark();
  assert.deepEqual(pluck(asked, 'values'), [['copy'], ['100'], [copiedAt, touched], [copiedAt]]);
});

test('a whole copy is marked with its last silence', async () => {
  const { database, changed } = answering();
  await markWhole(database);
  assert.deepEqual(pluck(changed, 'values'), [['copy']]);
  assert.match(changed[0]?.sql ?? '', /MAX\(id\), 0\) FROM silences/);
});

test('only counters that are behind those of the source are raised', async () => {
  const raised: string[] = [];
  const counting = (next: Readonly<Record<string, number>>) => {
    const { database, session } = answering();
    const dialect = {
      ...session.dialect,
      counter: (_: unknown, table: string) => Promise.resolve(next[table] ?? assert.fail(table)),
      setCounter: (_: unknown, table: string, to: number) => Promise.resolve(void raised.push(`${table} ${to}`)),
    };
    const work = <T>(run: (of: typeof session) => Promise<T>): Promise<T> => run({ ...session, dialect });
    return { ...database, read: work, migrate: work };
  };
  const counted = times(3, (index) => ({ name: `t${index}`, key: ['id'], hasCounter: true }));
  const [source, target] = [counting({ t0: 5, t1: 5, t2: 5 }), counting({ t0: 4, t1: 5, t2: 6 })];
  await carryCounters(source, target, [...counted, { name: 'plain', key: ['id'] }]);
  assert.deepEqual(raised, ['t0 5']);
});
