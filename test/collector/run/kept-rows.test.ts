/** Which rows of a kept file a database lacks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countRows, idsOf, missingRows, type Kept, type KeptRows } from '../../../src/collector/run/kept-rows.ts';
import type { PresentIds } from '../../../src/storage/store/storage.ts';

const none: KeptRows = { report: null, run: null, visits: [], events: [] };
const kept = (rows: Partial<KeptRows>): Kept => ({
  ...{ file: '/f', from: 'inbox/f', isVisit: false, atMs: 1, rows: { ...none, ...rows } },
});
const nothing: PresentIds = { reports: new Set(), runs: new Map(), visits: new Map(), events: new Set() };

const report = { id: 'p', atMs: 1 };
const run = { id: 'r', atMs: 1, isEnded: true };
const visit = { id: 'r', atMs: 1, client: 'web-1', name: 'web-old' };
const event = { id: 'e', atMs: 1 };

const cases: readonly (readonly [what: string, rows: Partial<KeptRows>, has: Partial<PresentIds>, missing: number])[] =
  [
    ['a report that is not there', { report }, {}, 1],
    ['a report that is there', { report }, { reports: new Set(['p']) }, 0],
    ['a run that is not there', { run }, {}, 1],
    ['a run that is there with its end', { run }, { runs: new Map([['r', true]]) }, 0],
    ['a run whose end is not there', { run }, { runs: new Map([['r', false]]) }, 1],
    ['a run without an end, which is there', { run: { ...run, isEnded: false } }, { runs: new Map([['r', false]]) }, 0],
    ['a run without an end, which is not there', { run: { ...run, isEnded: false } }, {}, 1],
    ['a visit of a run that has none', { visits: [visit] }, {}, 1],
    ['a visit of a run with others', { visits: [visit] }, { visits: new Map([['r', new Set(['db-1'])]]) }, 1],
    ['a visit under its present name', { visits: [visit] }, { visits: new Map([['r', new Set(['web-1'])]]) }, 0],
    ['a visit under its old name', { visits: [visit] }, { visits: new Map([['r', new Set(['web-old'])]]) }, 0],
    [
      'a visit of an unknown client, where its run has any',
      { visits: [{ ...visit, client: null, name: '' }] },
      { visits: new Map([['r', new Set(['db-1'])]]) },
      0,
    ],
    ['an event that is not there', { events: [event] }, { events: new Set(['f']) }, 1],
    ['an event that is there', { events: [event] }, { events: new Set(['e']) }, 0],
    [
      'an event whose blanks the database ignores',
      { events: [{ ...event, id: 'e  ' }] },
      { events: new Set(['e']) },
      0,
    ],
    ['everything, and nothing is there', { run, visits: [visit, visit], events: [event] }, {}, 4],
  ];
for (const [what, rows, has, missing] of cases) {
  test(`missing: ${what}`, () => {
    const found = missingRows(kept(rows), { ...nothing, ...has });
    assert.equal(countRows(found), missing);
    if (missing === countRows(kept(rows).rows)) assert.deepEqual(found, { ...none, ...rows });
  });
}

test('the ids of files are those of all their rows, each once', () => {
  const ids = idsOf([kept({ report }), kept({ run, visits: [visit], events: [event] }), kept({ visits: [visit] })]);
  assert.deepEqual(
    Object.fromEntries(Object.entries(ids).map(([kind, all]) => [kind, [...(all as Iterable<string>)]])),
    { reports: ['p'], runs: ['r'], runsOfVisits: ['r'], events: ['e'] },
  );
});
