import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import fc from 'fast-check';

import { stateDigest } from '../../../src/report/state/state.ts';
import type { StateKind, StateSection } from '../../../src/report/report.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { noonMs } from '../support/samples.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { stateItem } from '../support/state-samples.ts';

const look = (kind: StateKind, lines: readonly string[], known = ''): StateSection => {
  const sorted = [...lines].sort();
  const digest = stateDigest(sorted);
  return { kind, digest, error: null, lines: digest === known ? null : sorted };
};
const failed = (kind: StateKind): StateSection => ({ kind, digest: '', error: 'no permission', lines: null });
const minuteMs = 60_000;
const at = (minutes: number): number => noonMs + minutes * minuteMs;
const textAt = (minutes: number): string => new Date(at(minutes)).toISOString().slice(0, 23).replace('T', ' ');

async function ingest({ storage }: Opened, ...items: readonly IngestItem[]): Promise<readonly string[]> {
  return (await storage.reports.ingest(items)).map((result) =>
    result.kind === 'refused' ? result.message : result.kind,
  );
}

const changesSql = `SELECT client, kind, item, old_value, new_value, earliest_at, latest_at FROM changes
  ORDER BY latest_at, item`;

onEachDatabase('the state of clients', ({ it }) => {
  it('has a first look without changes, and then an upgrade as one change', async (opened) => {
    const { rows, storage } = opened;
    const [before, after] = [
      ['openssl amd64\t3.0.11', 'zlib1g amd64\t1.2'],
      ['openssl amd64\t3.0.14', 'nginx amd64\t1.22'],
    ];
    await ingest(opened, stateItem('web-1', at(0), [look('package', before)]));
    assert.deepEqual(await rows(changesSql), []);
    await ingest(opened, stateItem('web-1', at(5), [look('package', after)]));
    assert.deepEqual(await rows(changesSql), [
      ['web-1', 'package', 'nginx amd64', null, '1.22', textAt(0), textAt(5)],
      ['web-1', 'package', 'openssl amd64', '3.0.11', '3.0.14', textAt(0), textAt(5)],
      ['web-1', 'package', 'zlib1g amd64', '1.2', null, textAt(0), textAt(5)],
    ]);
    assert.deepEqual(await rows('SELECT client, name, version, architecture, since FROM packages ORDER BY name'), [
      ['web-1', 'nginx', '1.22', 'amd64', textAt(5)],
      ['web-1', 'openssl', '3.0.14', 'amd64', textAt(5)],
    ]);
    assert.deepEqual(await storage.reports.stateDigests('web-1'), { package: stateDigest([...after].sort()) });
  });

  it('keeps names and values once for all clients', async (opened) => {
    const section = look('package', ['openssl amd64\t3.0.11']);
    await ingest(opened, ...['a', 'b', 'c'].map((client) => stateItem(client, at(0), [section])));
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM state_values'), [[1]]);
    assert.deepEqual(await opened.rows("SELECT client FROM packages WHERE name = 'openssl' ORDER BY client"), [
      ['a'],
      ['b'],
      ['c'],
    ]);
  });

  it("narrows a file's change to its own time, if that is between the looks", async (opened) => {
    const seconds = (minutes: number): number => at(minutes) / 1000;
    const files = (...minutes: readonly number[]): StateSection =>
      look(
        'file',
        minutes.map((minute, index) => `/etc/${index}\tv${minute}\t${seconds(minute)}`),
      );
    await ingest(opened, stateItem('web-1', at(0), [files(-5, -5)]));
    await ingest(opened, stateItem('web-1', at(10), [files(6, -9)]));
    assert.deepEqual(await opened.rows('SELECT item, earliest_at, latest_at FROM changes ORDER BY item'), [
      ['/etc/0', textAt(6), textAt(6)],
      ['/etc/1', textAt(0), textAt(10)],
    ]);
    // A new time without a new content is no change.
    await ingest(opened, stateItem('web-1', at(20), [look('file', [`/etc/0\tv6\t${seconds(19)}`, '/etc/1\tv-9\t1'])]));
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM state_changes'), [[2]]);
  });

  it('changes nothing for a section that was not read, is suddenly empty, or comes late', async (opened) => {
    const many = Array.from({ length: 60 }, (_, index) => `p${index} all\t1`);
    await ingest(opened, stateItem('web-1', at(0), [look('package', many)]));
    await ingest(opened, stateItem('web-1', at(5), [failed('package')]));
    await ingest(opened, stateItem('web-1', at(10), [look('package', [])]));
    await ingest(opened, stateItem('web-1', at(-5), [look('package', ['p1 all\t0'])]));
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM packages'), [[60]]);
    assert.deepEqual(await opened.rows('SELECT error, observed_at FROM state_sections'), [
      ['nothing is there any more', textAt(0)],
    ]);
    await ingest(opened, stateItem('web-1', at(15), [look('package', many.slice(1))]));
    assert.deepEqual(await opened.rows(changesSql), [['web-1', 'package', 'p0 all', '1', null, textAt(0), textAt(15)]]);
  });

  it('of a client that changes everything at every visit is refused beyond 6,000 changes a day', async (opened) => {
    const all = (value: number): StateSection =>
      look(
        'package',
        Array.from({ length: 2500 }, (_, index) => `p${index} all\t${value}`),
      );
    const results: string[] = [];
    for (let turn = 0; turn < 4; turn++)
      results.push(...(await ingest(opened, stateItem('liar', at(turn), [all(turn)]))));
    assert.deepEqual(results, [
      ...['stored', 'stored', 'stored'],
      'its state has changed more than 6000 times within a day',
    ]);
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM state_values'), [[7500]]);
  });

  it('knows a report that comes twice', async (opened) => {
    const item = stateItem('web-1', at(0), [look('system', ['kernel\t6.1'])]);
    const twice = [...(await ingest(opened, item)), ...(await ingest(opened, item))];
    assert.deepEqual(twice, ['stored', 'duplicate']);
    assert.deepEqual(await ingest(opened, { ...item, client: 'other' }), ['foreign']);
  });
});

const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd é', '/e'), fc.constantFrom('1', '2', '3'));

onEachDatabase('random states', ({ it }) => {
  it('leave the rows of the last report, and changes that lead there', async (opened) => {
    let minute = 0;
    const states = fc.array(fc.record({ state: values, isKnown: fc.boolean() }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(states, async (reports) => {
        const client = randomUUID();
        let present: Readonly<Record<string, string>> = {};
        for (const { state, isKnown } of reports) {
          const lines = Object.entries(state).map(([item, value]) => `${item}\t${value}`);
          const known = isKnown ? (await opened.storage.reports.stateDigests(client))['system'] : '';
          await ingest(opened, stateItem(client, at(minute++), [look('system', lines, known)]));
          present = state;
        }
        const now = `SELECT item, value FROM state_now WHERE client = '${client}'`;
        assert.deepEqual(Object.fromEntries(await opened.rows(now)), { ...present });
        const replayed = new Map<string, string>(Object.entries(reports[0]?.state ?? {}));
        const changes = await opened.rows(
          `SELECT c.item, c.old_value, c.new_value FROM changes c WHERE c.client = '${client}' ORDER BY c.latest_at`,
        );
        for (const [item, before, after] of changes) {
          assert.equal(replayed.get(item as string) ?? null, before);
          if (after === null) replayed.delete(item as string);
          else replayed.set(item as string, after as string);
        }
        assert.deepEqual(Object.fromEntries(replayed), { ...present });
      }),
      { numRuns: 50 },
    );
  });
});
