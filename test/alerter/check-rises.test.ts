// Second tier: rising checks of every kind.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { explainClient } from '../../src/alerter/explain/explain-client.ts';
import { replay } from '../../src/alerter/replay/replay.ts';
import { hourMs } from '../../src/platform/units.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import { stationFor, type Station } from './support/station.ts';

const elements = `<collector every="2h"/><alerts zone="UTC"><mail to="ops@example.org"/></alerts>
  <client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>`;

const sectors = (count: number): string => `check textfile:smartmon 0 reallocated_sectors=${count} pending_sectors=0`;

onEachDatabase('figures of textfiles that grow', (kit) => {
  /** Plays a report every two hours with a pass after each. Returns the sentences of the mails with the hour. */
  const play = async (made: Station, says: readonly string[]): Promise<readonly string[]> => {
    const notified: string[] = [];
    for (const [index, said] of says.entries()) {
      await made.collect({ 'web-1': said, 'web-2': sectors(5) });
      const { arrived } = await made.pass();
      notified.push(...arrived.map(({ sentence }) => `${2 * index} ${sentence}`));
      made.at(made.nowMs() + 2 * hourMs);
    }
    return notified;
  };
  const station = async (t: TestContext, own = elements): Promise<Station> =>
    await stationFor(t, { storage: await kit.migrated(), elements: own });
  const hours = (count: number, said: string): readonly string[] => new Array<string>(count / 2).fill(said);

  test('are notified at once, for a day, and once; replay and explain say the same', async (t) => {
    const made = await station(t);
    const startMs = made.nowMs();
    const subject = 'web-1 sectors-rising textfile:smartmon reallocated_sectors';
    assert.deepEqual(await play(made, [...hours(26, sectors(8)), ...hours(6, sectors(20))]), [
      `26 ops: firing warning ${subject}`,
    ]);
    const [client] = made.config().clients;
    assert.ok(client);
    const explained = await explainClient({
      config: made.config(),
      storage: made.storage,
      nowMs: made.nowMs(),
      client,
      isWanted: (name) => name === 'sectors-rising',
      firstPass: false,
    });
    const said = explained.rules
      .find(({ rule }) => rule.name === 'sectors-rising')
      ?.samples.map(({ valueText }) => valueText);
    assert.deepEqual(said, ['12 more than a day before (20)', '0 more than a day before (0)']);
    assert.deepEqual(await play(made, hours(22, sectors(20))), [
      `6 ops: reminder warning ${subject}`,
      `20 ops: resolved ${subject}`,
    ]);
    const { counts } = await replay({
      config: made.config(),
      storage: made.storage,
      sinceMs: startMs - hourMs,
      untilMs: made.nowMs(),
      signal: new AbortController().signal,
      observe: () => undefined,
    });
    assert.deepEqual(
      counts.map(({ rule, client: name, fired }) => ({ rule, name, fired })),
      [{ rule: 'sectors-rising', name: 'web-1', fired: 1 }],
    );
  });

  test('are compared with the report before a gap, and say nothing on the first day', async (t) => {
    const made = await station(t);
    assert.deepEqual(await play(made, [...hours(4, sectors(8)), ...hours(4, sectors(20))]), []);
    made.at(made.nowMs() + 72 * hourMs);
    const [notified = ''] = await play(made, [sectors(24)]);
    assert.match(notified, /firing warning web-1 sectors-rising textfile:smartmon reallocated_sectors/);
    const [open] = await made.storage.evaluation.openAlerts(['web-1']);
    assert.equal(open?.valueText, '4 more than a day before (24)');
  });

  test('have a limit where a rule is written', async (t) => {
    const rule = '<alert metric="check_rise" check="mailq" label="unsent" limit="100" for="1x"/>';
    const made = await station(t, elements.replace('</alerts>', `${rule}</alerts>`));
    const queue = (unsent: number): string => `check mailq 0 unsent=${unsent}`;
    assert.deepEqual(await play(made, [...hours(26, queue(10)), queue(109), queue(110)]), [
      '28 ops: firing critical web-1 check_rise check=mailq label=unsent mailq unsent',
    ]);
  });
});
