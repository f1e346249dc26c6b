import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dueInventory, isInventoryDue, wasBooted } from '../../../src/collector/visit/inventory-due.ts';

const nowMs = 1_795_000_000_000;
const hour = 3_600_000;
const everyMs = 300_000;

type Facts = Parameters<typeof isInventoryDue>[0]['facts'];
const due = (known: Facts, atMs = nowMs, client = 'web-1', opens = true): boolean =>
  isInventoryDue({ client, facts: known, nowMs: atMs, everyMs, opens, readsState: true });

const facts = (more: Partial<NonNullable<Facts>> = {}): NonNullable<Facts> => ({
  ...{ lastVisitAtMs: nowMs - everyMs, bootId: 'a', inventoryAtMs: null, lastReportAtMs: nowMs, reader: 'node' },
  stateAtMs: nowMs - everyMs,
  ...more,
});

const table: readonly { readonly what: string; readonly known: Facts; readonly expected: boolean }[] = [
  { what: 'never seen', known: undefined, expected: true },
  { what: 'seen, but no report ever came', known: facts({ bootId: null, lastReportAtMs: null }), expected: true },
  { what: 'put off, as no state has been asked for either', known: facts({ stateAtMs: null }), expected: true },
  { what: 'an hour ago', known: facts({ inventoryAtMs: nowMs - hour }), expected: false },
  { what: 'a day ago', known: facts({ inventoryAtMs: nowMs - 24 * hour }), expected: true },
  { what: 'never, for the shell agent makes none', known: facts({ reader: 'shell' }), expected: false },
  { what: 'in the future: a clock was wrong', known: facts({ inventoryAtMs: nowMs + hour }), expected: true },
];
for (const { what, known, expected } of table) {
  test(`inventory due or not: ${what}`, () => {
    assert.equal(due(known), expected);
  });
}

test('an inventory that never comes is asked for about once an hour, and not of all clients in the same run', () => {
  const runs = Array.from({ length: 48 }, (_, run) => nowMs + run * everyMs);
  assert.equal(runs.filter((atMs) => due(facts(), atMs)).length, 4);
  const clients = Array.from({ length: 120 }, (_, number) => `web-${number}`);
  const atOnce = clients.filter((client) => due(facts(), nowMs, client)).length;
  assert.ok(atOnce > 0 && atOnce < 40, String(atOnce));
});

test('a boot is noticed only where both ids are known', () => {
  assert.equal(wasBooted({ bootId: 'a' }, 'b'), true);
  assert.equal(wasBooted({ bootId: 'a' }, 'a'), false);
  assert.equal(wasBooted({ bootId: 'a' }, null), false);
  assert.equal(wasBooted({ bootId: null }, 'a'), false);
  assert.equal(wasBooted(undefined, 'a'), false);
});

test('a boot makes an inventory due, unless none is ever taken or the shell agent reads', () => {
  const said = { reader: 'node', bootId: 'b' } as const;
  const known = facts({ inventoryAtMs: nowMs - hour });
  const options = { client: 'web-1', facts: known, nowMs, everyMs, opens: true, readsState: true };
  const plan = (takes: boolean, atMs = nowMs) => dueInventory({ ...options, takes, nowMs: atMs });
  assert.equal(plan(true).isExpected, false);
  assert.equal(plan(true).isDue(said), true);
  assert.equal(plan(true).isDue({ ...said, bootId: 'a' }), false);
  assert.equal(plan(true).isDue({ ...said, reader: 'shell' }), false);
  assert.equal(plan(false).isDue(said), false);
  const tomorrow = nowMs + 24 * hour;
  assert.equal(plan(true, tomorrow).isExpected, true);
  assert.equal(plan(true, tomorrow).isDue({ ...said, bootId: 'a' }), true);
  assert.equal(plan(false, tomorrow).isExpected, false);
});

test('where others open, an inventory that may be on its way is asked for about once an hour', () => {
  const runs = Array.from({ length: 48 }, (_, run) => nowMs + run * everyMs);
  const times = (known: Facts): number => runs.filter((atMs) => due(known, atMs, 'web-1', false)).length;
  const unopened = facts({ lastReportAtMs: null });
  assert.equal(due({ ...unopened, lastVisitAtMs: null }, nowMs, 'web-1', false), true);
  assert.equal(times(unopened), 4);
  assert.equal(times({ ...unopened, inventoryAtMs: nowMs - 24 * hour, lastReportAtMs: nowMs }), 4);
  assert.equal(times({ ...unopened, inventoryAtMs: nowMs, lastReportAtMs: nowMs }), 0);
});

test('an old inventory is due in every run, and one that never came in each if runs are rare', () => {
  const runs = Array.from({ length: 12 }, (_, run) => nowMs + run * everyMs);
  assert.ok(runs.every((atMs) => due(facts({ inventoryAtMs: nowMs - 24 * hour }), atMs)));
  const rare = { client: 'web-1', facts: facts(), opens: true, readsState: true, everyMs: 4 * hour };
  assert.ok(runs.every((atMs) => isInventoryDue({ ...rare, nowMs: atMs })));
});

test('a state that was never asked for makes an inventory due only where states are read and opened', () => {
  const runs = Array.from({ length: 48 }, (_, run) => nowMs + run * everyMs);
  const count = (opens: boolean, readsState: boolean): number => {
    const known = { client: 'web-1', facts: facts({ stateAtMs: null }), everyMs, opens, readsState };
    return runs.filter((atMs) => isInventoryDue({ ...known, nowMs: atMs })).length;
  };
  assert.deepEqual([count(true, true), count(false, true), count(true, false)], [48, 4, 4]);
});
