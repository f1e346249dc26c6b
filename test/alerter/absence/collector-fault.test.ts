import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { readOwnFaults } from '../../../src/alerter/absence/collector-fault.ts';
import type { FailedVisit } from '../../../src/storage/store/fleet-store.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { configOf } from '../support/config-of.ts';
import { client, run, seen, startPasses } from '../support/fleet-passes.ts';
import { createStandIns } from '../../../src/alerter/inhibit/stand-ins.ts';

const config = configOf(`<alerts zone="UTC"/>${client('web-1')}${client('web-2')}${client('web-3')}`);
const lacking = (...names: readonly string[]): readonly FailedVisit[] =>
  names.map((name) => ({ client: name, code: 'descriptors-exhausted', message: 'connect EMFILE 192.0.2.1:22' }));
const two = { succeeded: 1, failed: 2 };

/** Returns the visits that runs at these times have failed. */
const failedAt = (times: readonly string[], visits = lacking('web-1', 'web-2')) =>
  new Map(times.map((time) => [`run of ${time}`, visits]));

test('a machine that fails visits of two runs in a row has one alert, until a run without such a visit', () => {
  const { pass, stored } = startPasses(config);
  const runs = [run('08:05', two), run('08:00', two)];
  assert.deepEqual(pass('08:02', [run('08:00', two)], { ownFaults: failedAt(['08:00']) }), [], 'once is no alert');
  assert.deepEqual(pass('08:07', runs, { ownFaults: failedAt(['08:05']) }), [], 'the run before had none');
  const both = { ownFaults: failedAt(['08:00', '08:05']) };
  assert.deepEqual(pass('08:07', runs, both), ['collector-fault c1 firing']);
  const [alert] = stored.values();
  assert.deepEqual([alert?.client, alert?.severity], ['', 'critical'], 'as severe as the missing reports');
  assert.equal(
    alert?.valueText,
    '2 of 3 visits failed on it: connect EMFILE 192.0.2.1:22. ' +
      'Raise the limit: `ulimit -n`, or LimitNOFILE= of a unit; or lower <collector concurrency>.',
  );
  assert.deepEqual(pass('08:08', runs, both), []);
  const later = [run('08:10', two), ...runs];
  assert.deepEqual(pass('08:12', later, { ownFaults: failedAt(['08:00', '08:05', '08:10']) }), []);
  const well = [run('08:15'), ...later];
  assert.deepEqual(pass('08:17', well, both), ['collector-fault c1 recovered 08:16']);
});

test('it stands for the missing reports of the clients whose visits the machine has failed, and for no others', () => {
  const { pass, stored } = startPasses(config);
  const times = ['08:10', '08:05', '08:00'];
  const runs = times.map((time) => run(time, two));
  const silent = config.clients.map(({ name }) => seen(name, '07:50', { lastVisitAtMs: run('08:10').startedAtMs }));
  pass('08:12', runs, { ownFaults: failedAt(times), seen: silent });
  const alerts = [...stored.values()];
  const standInFor = createStandIns({ alerts, collectorOfRun: new Map(runs.map(({ id }) => [id, 'c1'])) });
  const heard = alerts.flatMap((one) => (one.client === '' ? [] : `${one.client} ${standInFor(one)?.rule ?? 'none'}`));
  assert.deepEqual(heard.sort(), ['web-1 collector-fault', 'web-2 collector-fault', 'web-3 none']);
});

test('the run before the newest is read only if that had such visits, and neither if all went well', async () => {
  const asked: string[] = [];
  const read = async (runs: readonly RunFact[], has: readonly string[]) => {
    asked.length = 0;
    const ownFaults = (id: string) => {
      asked.push(id.slice(-5));
      return Promise.resolve(has.includes(id.slice(-5)) ? lacking('web-1') : []);
    };
    const found = await readOwnFaults({ ownFaults }, { runsOf: new Map([['c1', runs]]) });
    return `${asked.join()}: ${[...found.keys()].map((id) => id.slice(-5)).join()}`;
  };
  const runs = [run('08:00', two), run('08:05', two), run('08:10', { succeeded: 0, failed: 0 })];
  assert.equal(await read([run('08:00'), run('08:05')], ['08:05']), ': ');
  assert.equal(await read(runs, []), '08:05: ');
  assert.equal(await read(runs, ['08:00']), '08:05: ');
  assert.equal(await read(runs, ['08:05']), '08:05,08:00: 08:05');
  assert.equal(await read(runs, ['08:00', '08:05']), '08:05,08:00: 08:05,08:00');
});

onEachDatabase('visits that the own machine has failed', ({ it }) => {
  it('are those of one run with such a code', async ({ reports, storage }) => {
    const [one, other] = [runStart({ id: randomUUID() }), runStart({ id: randomUUID() })];
    const failing = { ok: false, stage: 'connect', message: 'no' };
    for (const start of [one, other]) {
      await reports.startRun(start);
      await reports.saveVisits([
        visit({ runId: start.id, client: 'web-1', ...failing, code: 'collector-fault' }),
        visit({ runId: start.id, client: 'web-2', ...failing, code: 'connect-failed' }),
        visit({ runId: start.id, client: 'web-3' }),
      ]);
      await reports.endRun(start, runEnd(start, {}));
    }
    const expected = [{ client: 'web-1', code: 'collector-fault', message: 'no' }];
    assert.deepEqual(await storage.fleet.ownFaults(one.id), expected);
    assert.deepEqual(await storage.fleet.ownFaults('no run'), []);
  });
});
