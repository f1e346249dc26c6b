// Second tier: five visits of installed programs, with two inventories.
/** The first two days of a fleet. The years are in sqlite-year.test.ts and mariadb-year.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { calendarText, patience, playCalendar, skipCalendar } from './support/calendar.ts';

const days = calendarText(`
2035-10-22 10:00 collect      | good
2035-10-22 10:05 collect      | good
2035-10-23 10:02 collect      | good
2035-10-23 10:05 collect      | good
2035-10-24 10:00 visit, count | good; 5 rows since 2035-10-22; sealed reports of 3 runs
`);

test('each visit of the first two days is good, and nobody is told anything', { skip: skipCalendar }, async (t) => {
  const played = await playCalendar(t, days, {
    ...{ database: 'sqlite', clients: { web: 'node' }, machineZone: 'UTC' },
    elements: `
      <collector every="1d" ${patience}/>
      <alerts defaults="no" mail="ops@example.org"><alert type="check"/><alert name="state-disk" enabled="no"/></alerts>`,
  });
  assert.deepEqual(played.split('\n'), days.split('\n'));
});
