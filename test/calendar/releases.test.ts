// Second tier: two dozen visits through sshd.
/**
 * The programs of an earlier release and today's in turn, which read what the others have written: on the clients and
 * at the collector. The earlier release is 0.2.0 of 26 November 2026. From the second day on its agent for Node.js
 * fails at the notes of its own program for inventories.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { calendarText, patience, playCalendar, skipCalendar } from './support/calendar.ts';

const days = calendarText(`
2035-10-22 10:00 release earlier, visit              | good
2035-10-22 10:05 release today, visit                | good
2035-10-22 10:10 release earlier, visit              | good
2035-10-22 10:15 fails node, release today, visit    | good; ops: firing critical node backup
2035-10-22 10:20 release earlier, visit              | good
2035-10-22 10:25 works node, visit                   | good
2035-10-22 10:30 fails shell, visit                  | good; ops: resolved critical node backup,
                                                       firing critical shell backup
2035-10-22 10:35 works shell, release today, visit   | good
2035-10-23 10:02 edit node motd, edit shell motd, visit | good; node: file /etc/motd; shell: file /etc/motd;
                                                       ops: resolved critical shell backup
2035-10-23 10:05 visit                               | good
2035-10-23 10:10 release earlier, visit              | node agent-failed: node: Cannot read properties of
                                                       undefined (reading 'length')
2035-10-23 10:15 release today, visit                | good
2035-10-24 10:04 upgrade node, upgrade shell, visit  | good; node: package libfoo all; shell: package libfoo all
2035-10-24 10:05 visit, count, files node, files shell | good; 27 rows since 2035-10-22; sealed reports of 3 runs;
   DIGEST.t.cjs counters.json looks updates.json watch; DIGEST.t.sh asked looks notes running watch
`);

test('programs of two releases read what the others have written', { skip: skipCalendar }, async (t) => {
  const played = await playCalendar(t, days, {
    ...{ database: 'sqlite', clients: { node: 'node', shell: 'shell' }, machineZone: 'UTC' },
    elements: `
      <collector every="1d" ${patience}/>
      <alerts defaults="no" mail="ops@example.org">
        <alert name="backup" type="check" check="backup"/><alert name="state-disk" enabled="no"/>
      </alerts>`,
  });
  assert.deepEqual(played.split('\n'), days.split('\n'));
  const table = readFileSync(path.join(packageDir, 'docs/internals.md'), 'utf8');
  const files = /sealed reports of \d+ runs; (.*)$/.exec(days)?.[1]?.split(/;? /) ?? [];
  assert.deepEqual(
    files.filter((name) => !new RegExp(`^\\| [^|]*\`${name}\``, 'm').test(table)),
    [],
  );
});
