import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Database, Session } from '../../../src/storage/sql/database.ts';
import { createStoredStore } from '../../../src/storage/reports/stored-ids.ts';

test('a report that another machine opens between two statements is there', async () => {
  let table = 'sealed_reports';
  const all: Session['all'] = (sql) => {
    const isThere = sql.includes(` ${table} `);
    if (sql.includes(' inventory_reports ')) table = 'stats';
    return Promise.resolve(isThere ? [{ id: 'r1' }] : []);
  };
  const database = { read: (work: (session: Session) => unknown) => work({ all } as unknown as Session) };
  const nothing = new Set<string>();
  const asked = { reports: new Set(['r1', 'r2']), runs: nothing, runsOfVisits: nothing, events: nothing };
  const { reports } = await createStoredStore(database as unknown as Database).present(asked);
  assert.deepEqual([...reports], ['r1']);
});
