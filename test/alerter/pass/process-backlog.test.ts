import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import type { AlertEvent } from '../../../src/alerter/alert-options.ts';
import { processBacklog, processInRounds, type ProcessOptions } from '../../../src/alerter/pass/process-backlog.ts';
import type {
  EvaluationStore,
  ProcessedRows,
  RowPlace,
  UnprocessedReport,
} from '../../../src/storage/store/evaluation-store.ts';
import type { RuleState, Alert } from '../../../src/storage/store/alert.ts';
import { configOf } from '../support/config-of.ts';
import { at, reportRow } from '../support/rows.ts';

const config = configOf(`<collector every="1m"/><alerts><mail to="ops@example.org"/>
  <alert type="cpu" limit="90%" for="3m"/><alert type="memory" limit="95%" clear="80%"/></alerts>
  <client name="web-[1-4]" ip="192.0.2.[1-4]" username="u"/>`);

interface MemoryStore {
  readonly store: EvaluationStore;
  readonly rows: UnprocessedReport[];
  readonly treated: Set<number>;
  readonly alerts: Map<number, Alert>;
  readonly ruleStates: Map<string, RuleState>;
  /** The reads and writes of the store, in order. */
  readonly log: string[];
  /** Called before a round is stored. */
  beforeStoring: (evaluated: ProcessedRows) => void;
}

/** Returns a store in memory that answers asynchronously, like a database server. */
function memoryStore(rows: UnprocessedReport[]): MemoryStore {
  const treated = new Set<number>();
  const alerts = new Map<number, Alert>();
  const ruleStates = new Map<string, RuleState>();
  const log: string[] = [];
  const isAfter = ({ observedAtMs, id }: UnprocessedReport, after: RowPlace | null): boolean =>
    after === null || observedAtMs > after.atMs || (observedAtMs === after.atMs && id > after.reportId);
  const store: EvaluationStore = {
    unprocessed: async (limit, after = null) => {
      log.push('read');
      const found = rows
        .filter((row) => !treated.has(row.id) && isAfter(row, after))
        .sort((one, other) => one.observedAtMs - other.observedAtMs || one.id - other.id);
      await turn();
      const reports = found.slice(0, limit);
      const last = reports.length < limit ? undefined : reports.at(-1);
      const next = last === undefined ? null : { atMs: last.observedAtMs, reportId: last.id, visitId: 0 };
      return { reports, visits: [], more: next !== null, next };
    },
    disksOf: () => Promise.resolve(new Map()),
    checksOf: () => Promise.resolve(new Map()),
    checksDayBefore: () => Promise.resolve(new Map()),
    networksOf: () => Promise.resolve(new Map()),
    reportsOf: () => Promise.resolve(new Map()),
    ruleStates: async (names) => {
      await turn();
      return new Map([...ruleStates].filter(([name]) => names.includes(name)));
    },
    openAlerts: async (names) => {
      await turn();
      return [...alerts.values()].filter(
        ({ state, client }) => state !== 'resolved' && names?.includes(client) !== false,
      );
    },
    endedAlerts: () => Promise.resolve([]),
    saveProcessed: async (_lease, evaluated) => {
      memory.beforeStoring(evaluated);
      log.push('store');
      for (let turns = 0; turns < 20; turns += 1) await turn();
      log.push('stored');
      for (const id of evaluated.statIds) {
        assert.ok(!treated.has(id), 'no row is evaluated twice');
        treated.add(id);
      }
      for (const alert of evaluated.alerts) {
        const id = alert.id ?? alerts.size + 1;
        assert.notEqual(alerts.get(id)?.state, 'resolved', 'what is over stays over');
        alerts.set(id, { ...alert, id });
      }
      for (const [name, known] of evaluated.ruleStates) ruleStates.set(name, known);
    },
  };
  const state = { rows, treated, alerts, ruleStates, log };
  const memory: MemoryStore = { store, ...state, beforeStoring: () => undefined };
  return memory;
}

function optionsFor({ store }: MemoryStore, over: Partial<ProcessOptions> = {}): ProcessOptions {
  const lease = { name: 'alerter', epoch: 1, holder: 'test' };
  return {
    config,
    storage: { evaluation: store },
    lease: { isHeld: () => true, take: () => Promise.resolve(lease), release: () => Promise.resolve() },
    signal: new AbortController().signal,
    nowMs: at('23:00'),
    observe: () => undefined,
    ...over,
  };
}

/**
 * Returns a row a minute for each of four clients. The values vary by client in different patterns, and some rows are
 * late.
 */
function madeRows(minutes: number): UnprocessedReport[] {
  return Array.from({ length: minutes * 4 }, (_, index) => {
    const [minute, client] = [Math.floor(index / 4), index % 4];
    const wave = Math.floor((minute * (client + 3)) / 4) % 17;
    return reportRow({
      client: `web-${client + 1}`,
      observedAtMs: at('08:00') + (index % 29 === 0 ? minute - 5 : minute) * 60_000,
      cpu_percent: wave > 11 ? 97 : 20,
      memory_percent: wave > 13 ? 98 : wave > 9 ? 85 : 40,
    });
  });
}

async function evaluatedBy(rows: UnprocessedReport[], pageRows: number, roundRows: number): Promise<MemoryStore> {
  const memory = memoryStore([...rows]);
  const first = await memory.store.unprocessed(pageRows);
  const counts = await processInRounds(optionsFor(memory), first, { pageRows, roundRows });
  assert.equal(counts.reports, rows.length);
  assert.equal(memory.treated.size, rows.length);
  return memory;
}

function notified({ alerts }: MemoryStore): readonly unknown[] {
  return [...alerts.values()]
    .filter(({ closedReason }) => closedReason !== 'unconfirmed')
    .map((alert) => ({ ...alert, id: 0 }))
    .sort(
      (one, other) =>
        one.pendingSinceMs - other.pendingSinceMs || (one.client + one.rule < other.client + other.rule ? -1 : 1),
    );
}

test('rows in many pages and rounds say what they say at once', async () => {
  const rows = madeRows(120);
  const atOnce = await evaluatedBy(rows, 1000, 1000);
  assert.ok(notified(atOnce).length > 10, 'there is something to say');
  for (const [pageRows, roundRows] of [
    [3, 3],
    [4, 9],
    [7, 40],
    [50, 100],
  ] as const) {
    const inRounds = await evaluatedBy(rows, pageRows, roundRows);
    assert.deepEqual(notified(inRounds), notified(atOnce), `${pageRows} a page, ${roundRows} a round`);
    assert.deepEqual(inRounds.ruleStates, atOnce.ruleStates);
  }
});

test('while a round is stored the next one is read, and it is stored when the first one is', async () => {
  const memory = await evaluatedBy(
    madeRows(30).map((row) => ({ ...row, cpu_percent: 20, memory_percent: 40 })),
    4,
    12,
  );
  const log = memory.log.join(' ');
  assert.match(log, /store read( read)+ stored store/);
  assert.doesNotMatch(log, /store (read )*store\b/, 'never two at a time');
});

test('a round that cannot be stored ends it, and nothing is stored after it', async () => {
  const memory = memoryStore(madeRows(30));
  let rounds = 0;
  memory.beforeStoring = () => {
    rounds += 1;
    if (rounds === 2) throw new Error('the lease was taken');
  };
  const first = await memory.store.unprocessed(4);
  const evaluation = processInRounds(optionsFor(memory), first, { pageRows: 4, roundRows: 12 });
  await assert.rejects(evaluation, { message: 'the lease was taken' });
  assert.equal(rounds, 2);
  assert.equal(memory.treated.size, 12, 'the first round');
  const { length } = memory.log;
  for (let turns = 0; turns < 50; turns += 1) await turn();
  assert.equal(memory.log.length, length, 'nothing is under way');
});

test('a page that cannot be read ends it, once the round before it is stored', async () => {
  const memory = memoryStore(madeRows(30));
  let pages = 0;
  const store: EvaluationStore = {
    ...memory.store,
    unprocessed: (limit, after) => {
      pages += 1;
      return pages === 5 ? Promise.reject(new Error('gone away')) : memory.store.unprocessed(limit, after);
    },
  };
  const options = { ...optionsFor(memory), storage: { evaluation: store } };
  await assert.rejects(processInRounds(options, await store.unprocessed(4), { pageRows: 4, roundRows: 12 }), {
    message: 'gone away',
  });
  assert.equal(memory.log.at(-1), 'stored');
  assert.equal(memory.treated.size, 12);
});

test('a signal ends it with what was evaluated stored', async () => {
  const memory = memoryStore(madeRows(60));
  const ending = new AbortController();
  memory.beforeStoring = () => ending.abort();
  const options = optionsFor(memory, { signal: ending.signal });
  const counts = await processInRounds(options, await memory.store.unprocessed(4), { pageRows: 4, roundRows: 12 });
  assert.equal(counts.reports, memory.treated.size);
  assert.ok(counts.reports >= 12 && counts.reports < 60, `${counts.reports} rows`);
});

test('what came late, behind the pages that were read, is evaluated in the same pass', async () => {
  const memory = memoryStore(madeRows(300));
  const late = reportRow({ client: 'web-2', observedAtMs: at('07:00'), memory_percent: 99 });
  memory.beforeStoring = () => {
    if (!memory.rows.includes(late)) memory.rows.push(late);
  };
  const events: AlertEvent[] = [];
  const counts = await processBacklog(optionsFor(memory, { observe: (event) => events.push(event) }));
  assert.equal(counts.reports, 1201);
  assert.ok(memory.treated.has(late.id));
  const isMore = events.map((event) => event.kind === 'processed' && event.more);
  assert.deepEqual(isMore, [false, false]);
});
