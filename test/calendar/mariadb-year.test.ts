// Second tier: a year of visits through sshd.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { skipWithoutMariadb } from '../support/databases/mariadb.ts';
import { calendarText, patience, playCalendar, skipCalendar } from './support/calendar.ts';

/**
 * With the nights of New York's clock changes: the hour from 01:00 comes twice on November 4, and that from 02:00 never
 * on March 9. The keys are restricted from the first day on.
 */
const year = calendarText(`
2035-10-22 10:00 visit, restrict node, restrict shell | good
2035-10-22 10:05 visit                                | good
2035-10-23 10:02 visit                                | good
2035-10-23 10:05 visit                                | good
2035-10-23 10:10 visit                                | good
2035-10-23 10:15 visit                                | good
2035-10-24 10:04 fails node, visit                    | good; ops: firing critical node backup
2035-10-24 10:05 ack node 25h                         |
2035-10-24 19:00 silence shell 22:00 06:00            |
2035-10-25 02:30 fails shell, visit                   | good
2035-10-25 03:30 works shell, visit                   | good
2035-10-25 04:30 visit                                | good
2035-10-25 10:20 visit                                | good
2035-10-25 11:30 pass                                 | ops: reminder critical node backup, past critical shell backup
2035-10-26 10:22 works node, visit                    | good
2035-10-27 10:24 edit node motd, visit                | good; node: file /etc/motd; ops: resolved critical node backup
2035-10-28 00:45 pass                                 |
2035-10-28 05:45 pass                                 | first: digest motd
2035-10-28 06:15 pass                                 |
2035-10-28 06:45 pass                                 | second: digest motd
2035-10-28 10:26 boot shell, visit                    | good; shell: system boot;
          ops: firing warning node certificate:app, firing warning shell certificate:app, past warning shell rebooted
2035-10-29 10:28 visit, prune, count                  | good; 30 rows since 2035-10-22; sealed reports of 3 runs
2035-10-31 10:32 visit                                | good; ops: escalated critical node certificate:app,
                                        escalated critical shell certificate:app, firing warning shell updates
2035-10-31 16:15 pass                                 | month: digest motd
2035-11-01 10:34 upgrade node, upgrade shell, visit   | good; node: package libfoo all; shell: package libfoo all;
                                                        ops: firing warning node updates
2035-11-02 10:36 visit, prune, count                  | good; 14 rows since 2035-10-26; sealed reports of 3 runs;
                                                        ops: resolved warning shell updates
2035-11-03 10:38 visit                                | good; ops: resolved warning node updates
2035-11-04 05:15 pass                                 |
2035-11-04 05:45 pass                                 | first: digest libfoo
2035-11-04 06:45 pass                                 |
2035-11-04 07:15 pass                                 |
2035-11-04 07:45 pass                                 | second: digest libfoo
2035-11-04 10:40 renew node, renew shell, visit       | good
2035-11-05 10:42 visit                                | good; ops: resolved critical node certificate:app,
                                                        resolved critical shell certificate:app
2035-11-30 10:00 visit                                | good
2035-11-30 17:15 pass                                 | month: digest libfoo
2036-01-06 08:00 pass                                 | first: digest; second: digest
2036-02-28 10:00 visit                                | good
2036-02-29 10:02 edit shell motd, visit               | good; shell: file /etc/motd
2036-02-29 17:15 pass                                 | month: digest motd
2036-03-01 10:04 visit                                | good
2036-03-09 06:15 pass                                 |
2036-03-09 06:45 pass                                 | first: digest motd
2036-03-09 07:15 pass                                 |
2036-03-09 07:45 pass                                 | second: digest motd
2036-03-09 10:06 visit                                | good
2036-03-29 10:08 visit                                | good
2036-03-30 05:15 pass                                 |
2036-03-30 05:45 pass                                 | first: digest
2036-03-30 06:45 pass                                 | second: digest
2036-03-30 10:10 visit                                | good
2036-10-21 10:00 visit                                | good
2036-10-22 10:02 visit, prune, count                  | good; 4 rows since 2036-10-21; sealed reports of 3 runs
`);

const skip = skipCalendar || skipWithoutMariadb;

test('a year of a fleet on MariaDB, in the words of those in New York', { skip }, async (t) => {
  const played = await playCalendar(t, year, {
    ...{ database: 'mariadb', clients: { node: 'node', shell: 'shell' }, machineZone: 'Europe/Berlin' },
    elements: `
      <collector every="1d" keepStored="36h" ${patience}/><retention raw="7d" detail="2d"/>
      <alerts defaults="no" zone="America/New_York" repeat="none" mail="ops@example.org">
        <alert name="backup" type="check" check="backup" repeat="1d"/><alert type="check"/>
        <alert name="state-disk" enabled="no"/>
        <digest to="first@example.org" days="sun" at="01:30"/>
        <digest to="second@example.org" days="sun" at="02:30" name="second"/>
        <digest to="month@example.org" days="last" at="12:00"/>
      </alerts>`,
  });
  assert.deepEqual(played.split('\n'), year.split('\n'));
});
