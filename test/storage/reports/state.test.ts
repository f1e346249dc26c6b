// Second tier: twenty thousand rows, and random states, on each database.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import fc from 'fast-check';

import { stateDigest } from '../../../src/report/state/state.ts';
import type { StateKind, StateSection } from '../../../src/report/report.ts';
import { packageDir } from '../../../src/state-folder/paths.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { isLong } from '../../support/long-tests.ts';
import { times } from '../../support/times.ts';
import type { Database, Session } from '../../../src/storage/sql/database.ts';
import { insertRows } from '../../../src/storage/sql/insert-rows.ts';
import { crashingDatabase } from '../support/crashing-database.ts';
import { noonMs, visit } from '../support/samples.ts';
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

  it('tells nothing of packages that earlier agents named otherwise, and keeps their age', async (opened) => {
    const earlier = [
      ...['kernel-core x86_64\t5.14.0-427', 'kernel-core x86_64 5.14.0-362\t5.14.0-362', 'gpg-pubkey\tbbbb-2'],
      ...[
        'gpg-pubkey aaaa-1\taaaa-1',
        'openssl x86_64\t3.0.7-27',
        'twice noarch\t2',
        'twice noarch 1\t1',
        'bash x86_64\t5.1',
      ],
    ];
    const now = [
      ...['kernel-core x86_64 5.14.0-427\t5.14.0-427', 'kernel-core x86_64 5.14.0-362\t5.14.0-362'],
      ...['gpg-pubkey (none) bbbb-2\tbbbb-2', 'gpg-pubkey (none) aaaa-1\taaaa-1', 'openssl x86_64\t1:3.0.7-27'],
      ...['twice noarch\t1 2', 'bash x86_64\t5.2'],
    ];
    await ingest(opened, stateItem('web-1', at(0), [look('package', earlier)]));
    await ingest(opened, stateItem('web-1', at(5), [look('package', now)]));
    const real = ['web-1', 'package', 'bash x86_64', '5.1', '5.2', textAt(0), textAt(5)];
    assert.deepEqual(await opened.rows(changesSql), [real]);
    const rows = await opened.rows('SELECT name, version, since FROM package_history WHERE replaced_at IS NULL');
    assert.equal(rows.length, now.length);
    assert.deepEqual(
      rows.filter(([, , since]) => since !== textAt(0)),
      [['bash', '5.2', textAt(5)]],
    );
    await ingest(opened, stateItem('web-1', at(10), [look('package', [...now, 'gpg-pubkey (none) cccc-3\tcccc-3'])]));
    const key = ['web-1', 'package', 'gpg-pubkey (none) cccc-3', null, 'cccc-3', textAt(5), textAt(10)];
    assert.deepEqual(await opened.rows(changesSql), [real, key]);
  });

  it('takes the packages of a manager that earlier agents passed over as a baseline', async (opened) => {
    await ingest(opened, stateItem('web-1', at(0), [look('package', ['hello amd64\t2.10'])]));
    const both = ['hello amd64 (dpkg)\t2.10', 'hello x86_64\t2.12-1', 'bash x86_64\t5.2-1'];
    await ingest(opened, stateItem('web-1', at(5), [look('package', both)]));
    assert.deepEqual(await opened.rows(changesSql), []);
    await ingest(opened, stateItem('web-1', at(10), [look('package', both.slice(1))]));
    const gone = ['web-1', 'package', 'hello amd64 (dpkg)', '2.10', null, textAt(5), textAt(10)];
    assert.deepEqual(await opened.rows(changesSql), [gone]);
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

  it("takes a file's own time from one look to the next, by the client's clock", async (opened) => {
    const wrongMs = 3_600_000;
    const files = (minute: number, ...changed: readonly number[]): IngestItem => {
      const lines = changed.map((change, index) => `/etc/${index}\tv${minute}\t${(at(change) - wrongMs) / 1000}`);
      const item = stateItem('web-1', at(minute), [look('file', lines)]);
      return { ...item, report: { ...item.report, datetime: new Date(at(minute) - wrongMs).toISOString() } };
    };
    await ingest(opened, files(0, 0, 0, 0, 0));
    await ingest(opened, files(10, 0, 10, -1, 11));
    assert.deepEqual(await opened.rows('SELECT item, earliest_at, latest_at FROM changes ORDER BY item'), [
      ['/etc/0', textAt(0), textAt(0)],
      ['/etc/1', textAt(10), textAt(10)],
      ['/etc/2', textAt(0), textAt(10)],
      ['/etc/3', textAt(0), textAt(10)],
    ]);
  });

  it('knows the time of the last look, and of the last visit that found the same', async (opened) => {
    const kinds = ['package', 'account', 'system', 'unit'] as const;
    const all = (value: number, known?: number): readonly StateSection[] =>
      kinds.map((kind) => look(kind, [`a\t${value}`], known === undefined ? '' : stateDigest([`a\t${known}`])));
    const visited = (minute: number): Promise<void> =>
      opened.reports.saveVisits([visit({ runId: randomUUID(), startedAtMs: at(minute), stateSame: true })]);
    await ingest(opened, stateItem('web-1', at(0), all(1)));
    await ingest(opened, stateItem('web-1', at(5), all(1, 1)));
    await ingest(opened, stateItem('web-1', at(10), all(2)));
    await visited(15);
    await ingest(opened, stateItem('web-1', at(20), all(3)));
    await visited(30);
    await ingest(opened, stateItem('web-1', at(30), all(4)));
    // A report that was read before the newest visit: nobody knows of which state that visit spoke.
    await visited(50);
    await ingest(opened, stateItem('web-1', at(40), all(5)));
    const sql = (kind: string) => `SELECT earliest_at FROM changes WHERE kind = '${kind}' ORDER BY latest_at`;
    for (const kind of kinds) {
      const since = kind === 'unit' ? [5, 10, 20, 30] : [5, 15, 30, 30];
      assert.deepEqual((await opened.rows(sql(kind))).flat(), since.map(textAt), kind);
    }
  });

  it('begins with the first look that reads a section, and forgets why an earlier one did not', async (opened) => {
    const sections = async (): Promise<unknown> => await opened.rows('SELECT error, observed_at FROM state_sections');
    await ingest(opened, stateItem('web-1', at(0), [failed('unit')]));
    assert.deepEqual(await sections(), [['no permission', textAt(0)]]);
    assert.deepEqual(await opened.storage.reports.stateDigests('web-1'), {});
    await ingest(opened, stateItem('web-1', at(5), [look('unit', ['ssh\tenabled'])]));
    // The lines of a digest that is not the stored one are not here.
    await ingest(opened, stateItem('web-1', at(10), [{ kind: 'unit', digest: 'other', error: null, lines: null }]));
    assert.deepEqual(await sections(), [[null, textAt(5)]]);
    await ingest(opened, stateItem('web-1', at(15), [look('unit', ['ssh\tenabled'], stateDigest(['ssh\tenabled']))]));
    assert.deepEqual(await sections(), [[null, textAt(15)]]);
    assert.deepEqual(await opened.rows(changesSql), []);
    // A second look at the same time counts too.
    await ingest(opened, stateItem('web-1', at(15), [look('unit', ['ssh\tmasked'])]));
    const masked = ['web-1', 'unit', 'ssh', 'enabled', 'masked', textAt(15), textAt(15)];
    assert.deepEqual(await opened.rows(changesSql), [masked]);
  });

  it('may lose fifty items of a section at once; of more it is believed that they were not read', async (opened) => {
    for (const [client, count, left] of [
      ['web-1', 50, 0],
      ['web-2', 51, 51],
    ] as const) {
      const many = times(count, (index) => `p${index} all\t1`);
      await ingest(opened, stateItem(client, at(0), [look('package', many)]));
      await ingest(opened, stateItem(client, at(5), [look('package', [])]));
      assert.deepEqual(await opened.rows(`SELECT COUNT(*) FROM packages WHERE client = '${client}'`), [[left]]);
    }
  });

  it('takes 6,000 changes within a day, and not one more', async (opened) => {
    const all = (value: number): StateSection =>
      look(
        'unit',
        ['a\t', 'b\t'].map((item) => `${item}${value}`),
      );
    await ingest(opened, stateItem('liar', at(0), [all(0)]));
    await ingest(opened, stateItem('liar', at(1), [all(1)]));
    const copies = (count: number, minute: number): Promise<void> =>
      opened.database.write(async (session) => {
        const columns = 'client_id, item_id, before_id, after_id';
        const [one] = await session.all(`SELECT ${columns} FROM state_changes ORDER BY id LIMIT 1`);
        const row = { ...one, earliest_at: textAt(minute), latest_at: textAt(minute) };
        await insertRows(
          session,
          'state_changes',
          times(count, () => row),
        );
      });
    const day = 24 * 60;
    // Changes of exactly a day ago no longer count.
    await copies(900, 2);
    await copies(5998, 3);
    assert.deepEqual(await ingest(opened, stateItem('liar', at(2 + day), [all(2)])), ['stored']);
    assert.match((await ingest(opened, stateItem('liar', at(2 + day), [all(3)])))[0] ?? '', /more than 6000 times/);
    assert.deepEqual(await ingest(opened, stateItem('liar', at(3 + day), [all(3)])), ['stored']);
  });

  it('looks known names up once, and new ones again when they are stored', async (opened) => {
    let asked = 0;
    const counting = (session: Session): Session => ({
      ...session,
      all: (sql, values) => {
        if (/FROM state_(?:items|values) WHERE/.test(sql)) asked += 1;
        return session.all(sql, values);
      },
    });
    const { database } = opened;
    const watched: Database = {
      ...{ space: () => database.space(), close: () => database.close(), readOnly: (sql) => database.readOnly(sql) },
      ...{ read: (work) => database.read(work), migrate: (work) => database.migrate(work) },
      write: (work) => database.write((session) => work(counting(session))),
    };
    const seen: number[] = [];
    for (const [minute, value] of ['1', '2', '1'].entries()) {
      asked = 0;
      await storageOn(watched).reports.ingest([stateItem('web-1', at(minute), [look('unit', [`a\t${value}`])])]);
      seen.push(asked);
    }
    // Names are stored in a transaction of their own, before the one that stores the report.
    assert.deepEqual(seen, [6, 5, 4]);
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

  it('keeps 20,000 rows of a client, and of its changes the newest', async (opened) => {
    const all = (value: number): StateSection =>
      look(
        'package',
        times(5000, (index) => `p${index} all\t${value}`),
      );
    for (let day = 0; day < 5; day++) await ingest(opened, stateItem('liar', at(day * 1500), [all(day)]));
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM state UNION ALL SELECT COUNT(*) FROM state_changes'), [
      [5000],
      [15_000],
    ]);
    assert.deepEqual(await opened.rows('SELECT DISTINCT old_value FROM changes ORDER BY 1'), [['1'], ['2'], ['3']]);
  });

  it('takes the upgrade to another release as one change a package', async (opened) => {
    const release = (count: number, version: string): StateSection =>
      look(
        'package',
        times(count, (index) => `p${index} amd64\t${version}`),
      );
    await ingest(
      opened,
      stateItem('web-1', at(0), [release(2400, '12'), look('system', ['boot\ta', 'os\tDebian 12'])]),
    );
    const later = [release(2600, '13'), look('system', ['boot\tb', 'os\tDebian 13'])];
    assert.deepEqual(await ingest(opened, stateItem('web-1', at(60), later)), ['stored']);
    assert.deepEqual(await opened.rows('SELECT kind, old_value, COUNT(*) FROM changes GROUP BY 1, 2 ORDER BY 1, 2'), [
      ['package', null, 200],
      ['package', '12', 2400],
      ['system', 'Debian 12', 1],
      ['system', 'a', 1],
    ]);
  });

  it('goes on from a look whose clock was ahead', async (opened) => {
    const kernel = (version: string): readonly StateSection[] => [look('system', [`kernel\t${version}`])];
    await ingest(opened, stateItem('web-1', Date.now() + 86_400_000, kernel('6.1')));
    const nowMs = Date.now() - 1000;
    await ingest(opened, stateItem('web-1', nowMs, kernel('6.2')));
    await ingest(opened, stateItem('web-1', nowMs - minuteMs, kernel('5.10')));
    const text = new Date(nowMs).toISOString().slice(0, 23).replace('T', ' ');
    assert.deepEqual(await opened.rows(changesSql), [['web-1', 'system', 'kernel', '6.1', '6.2', text, text]]);
  });

  it('tells who had a version on a day, and since when', async (opened) => {
    const minuteOf = (day: number): number => (Date.UTC(2026, 10, day, 12) - noonMs) / minuteMs;
    const seen = (client: string, day: number, version: string): Promise<readonly string[]> =>
      ingest(opened, stateItem(client, at(minuteOf(day)), [look('package', [`openssl amd64\t${version}`, 'a b\t1'])]));
    for (const [client, ...looks] of [
      ['ever', [1, '3.0.11-1']],
      ['before', [1, '3.0.11-1'], [2, '3.0.14-1']],
      ['at first', [1, '3.0.11-1'], [5, '3.0.14-1']],
      ['that day', [1, '3.0.9-1'], [3, '3.0.11-1']],
      ['a while', [1, '3.0.9-1'], [2, '3.0.11-1'], [4, '3.0.14-1'], [8, '3.0.11-1'], [9, '3.0.14-1']],
      ['after', [1, '3.0.9-1'], [4, '3.0.11-1'], [6, '3.0.14-1']],
    ] as const)
      for (const [day, version] of looks) await seen(client, day, version);
    const document = readFileSync(path.join(packageDir, 'docs', 'changes.md'), 'utf8');
    const [, sql = ''] = /^Who had it on 3 November.*?```sql\n(.*?);\n```/ms.exec(document) ?? [];
    const on = (day: number): string => textAt(minuteOf(day));
    assert.deepEqual(await opened.rows(`${sql} ORDER BY client`), [
      ['a while', '3.0.11-1', on(2), on(4)],
      ['at first', '3.0.11-1', null, on(5)],
      ['ever', '3.0.11-1', on(1), null],
      ['that day', '3.0.11-1', on(3), null],
    ]);
  });

  it('knows a report that comes twice', async (opened) => {
    const item = stateItem('web-1', at(0), [look('system', ['kernel\t6.1'])]);
    const twice = [...(await ingest(opened, item)), ...(await ingest(opened, item))];
    assert.deepEqual(twice, ['stored', 'duplicate']);
    assert.deepEqual(await ingest(opened, { ...item, client: 'other' }), ['foreign']);
  });
});

const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd é', '/e'), fc.constantFrom('1', '2', '3'));

interface Attempt {
  readonly state: Readonly<Record<string, string>>;
  /** The statement at which the first attempt ends. */
  readonly statement: number;
  readonly when: 'before' | 'after';
}

const attempts: fc.Arbitrary<Attempt> = fc.record({
  state: values,
  statement: fc.integer({ min: 1, max: 30 }),
  when: fc.constantFrom('before', 'after'),
});

onEachDatabase('random states', ({ it }) => {
  it('are the rows when a report is stored again after a crash at any statement', async (opened) => {
    let [minute, crashed] = [0, 0];
    const run = async ({ state, statement, when }: Attempt, client: string): Promise<void> => {
      const lines = Object.entries(state).map(([item, value]) => `${item}\t${value}`);
      const item = stateItem(client, at(minute++), [look('system', lines), look('unit', lines)]);
      const crash = (): never => {
        crashed += 1;
        throw new Error('crash');
      };
      const { database } = crashingDatabase(opened.database, { statement, when, crash });
      await storageOn(database)
        .reports.ingest([item])
        .catch((thrown: unknown) => assert.match(String(thrown), /crash/));
      await ingest(opened, item);
      const now = `SELECT kind, item, value FROM state_now WHERE client = '${client}' ORDER BY kind, item`;
      const wanted = ['system', 'unit'].flatMap((kind) => [...lines].sort().map((line) => [kind, ...line.split('\t')]));
      assert.deepEqual(await opened.rows(now), wanted);
    };
    const numRuns = isLong ? 50 : 10;
    await fc.assert(
      fc.asyncProperty(fc.array(attempts, { minLength: 4, maxLength: 4 }), async (states) => {
        const client = randomUUID();
        for (const one of states) await run(one, client);
      }),
      { numRuns },
    );
    assert.ok(crashed > numRuns, `${crashed} crashes`);
  });

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
      { numRuns: isLong ? 50 : 15 },
    );
  });
});
