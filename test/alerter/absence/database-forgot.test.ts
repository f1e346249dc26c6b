import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lossOfDay, lossWords, type RunFact } from '../../../src/storage/store/run.ts';
import { configOf } from '../support/config-of.ts';
import { startDispatch } from '../support/dispatch-world.ts';
import { client, run, startPasses } from '../support/fleet-passes.ts';
import { at } from '../support/rows.ts';
import { clock } from '../support/time-line.ts';

const config = configOf(`<alerts zone="UTC"/>${client('web-1')}`);
const forgot = (time: string, restored: number, from = '09:12', to = '09:14') => {
  const note = 'MariaDB 11.8 at db-1: innodb_flush_log_at_trx_commit=0';
  const loss = { restored, restoredReports: restored, restoredNote: note };
  return run(time, { ...loss, restoredFromMs: at(from), restoredToMs: at(to) });
};

test('a loss is one alert with reports, times and server, and ends a day after the last loss', () => {
  const { pass, stored } = startPasses(config);
  const textOf = (): string | undefined => [...stored.values()][0]?.valueText;
  const runs = [run('09:10', { restored: 0 }), forgot('09:15', 37)];
  assert.deepEqual(pass('09:16', runs), ['database-forgot firing']);
  const server = 'MariaDB 11.8 at db-1: innodb_flush_log_at_trx_commit=0';
  const text = (count: number, to: string): string =>
    `the database has lost ${count} reports of 09:12 to ${to}; they are stored again. The database is ${server}`;
  assert.equal(textOf(), text(37, '09:14'));
  assert.deepEqual(pass('09:21', [...runs, run('09:20', { restored: 0 })]), []);
  const more = [...runs, forgot('10:00', 3, '09:50', '09:59')];
  assert.deepEqual(pass('10:01', more), ['database-forgot firing']);
  assert.equal(textOf(), text(40, '09:59'));
  assert.deepEqual(pass('10:06', more), []);
  assert.equal([...stored.values()][0]?.sequence, 2);
  const next = run('+1 10:00', { restored: 0 });
  assert.deepEqual(pass('+1 10:05', [...more, next]), ['database-forgot recovered +1 10:05']);
  assert.deepEqual(pass('+1 10:06', [...more, next]), []);
});

test('a further loss within a day is notified at once, also if the database forgets the alert as well', () => {
  const world = startDispatch(`<alerts groupInterval="1s"><mail to="ops@example.org"/></alerts>${client('web-1')}`);
  const passes: ReturnType<typeof startPasses>[] = [startPasses(config)];
  const mailed = (time: string, runs: readonly RunFact[]): readonly string[] => {
    passes.at(-1)?.pass(time, runs);
    const alerts = [...(passes.at(-1)?.stored.values() ?? [])];
    for (const alert of alerts) if (alert.rule === 'database-forgot') world.put(alert);
    return world.pass(time);
  };
  const runs = [forgot('09:15', 37)];
  assert.deepEqual(mailed('09:16', runs), ['ops: firing warning - database-forgot']);
  assert.deepEqual(mailed('09:40', runs), []);
  runs.push(forgot('10:00', 3));
  assert.deepEqual(mailed('10:01', runs), ['ops: firing warning - database-forgot']);
  assert.deepEqual(mailed('10:30', runs), []);
  runs.push(forgot('11:00', 5));
  passes.push(startPasses(config));
  assert.deepEqual(mailed('11:01', runs), ['ops: firing warning - database-forgot']);
});

test('the alert of a loss names its run and its limit, and its text the day once that is over', () => {
  const { pass, stored } = startPasses(config);
  const runs = [forgot('23:00', 3, '22:50', '22:55')];
  assert.deepEqual(pass('23:01', runs), ['database-forgot firing']);
  const [alert] = stored.values();
  assert.deepEqual(
    [alert?.limitText, alert?.firstEvidence, alert?.changedByRun],
    ['none within a day', 'run of 23:00', 'run of 23:00'],
  );
  assert.deepEqual([alert?.pendingSinceMs, alert?.firingSinceMs], [at('23:00'), at('23:00')]);
  assert.deepEqual(pass('+1 00:01', [...runs, run('23:58', { restored: 0 })]), ['database-forgot firing']);
  const [later] = stored.values();
  assert.equal(later?.sequence, 1);
  assert.notEqual(later.valueText, alert?.valueText);
});

for (const { title, over, words } of [
  {
    title: 'one report of one time',
    over: { restored: 1, restoredReports: 1, restoredFromMs: at('09:12'), restoredToMs: at('09:12') },
    words: 'the database has lost 1 report of 09:12; it is stored again',
  },
  {
    title: 'records beside reports',
    over: { restored: 5, restoredReports: 2, restoredFromMs: at('09:12'), restoredToMs: at('09:14') },
    words: 'the database has lost 2 reports and 3 records of 09:12 to 09:14; they are stored again',
  },
  {
    title: 'records alone, of unknown times',
    over: { restored: 4, restoredReports: 0 },
    words: 'the database has lost 4 records; they are stored again',
  },
]) {
  test(`the words of a loss: ${title}`, () => {
    const loss = lossOfDay([run('09:15', over)], at('09:20')) ?? assert.fail('no loss');
    assert.equal(lossWords(loss, clock), words);
  });
}

test('runs that did not look, or found nothing missing, are no loss', () => {
  assert.equal(lossOfDay([run('09:15'), run('09:20', { restored: 0 })], at('09:20')), null);
});
