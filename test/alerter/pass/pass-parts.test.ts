/** The small parts of a pass: its lease and its name, the rules that are new, and the usual pause between passes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { knownRules } from '../../../src/alerter/pass/known-rules.ts';
import { holderName, LeaseTaken, openPassLease } from '../../../src/alerter/pass/pass-lease.ts';
import type { PassContext } from '../../../src/alerter/pass/pass-context.ts';
import { pauseOf } from '../../../src/alerter/pass/post-state.ts';
import { recentRuns } from '../../../src/alerter/pass/recent-runs.ts';
import { openStages } from '../../../src/alerter/pass/stages.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { times } from '../../support/times.ts';
import { configOf } from '../support/config-of.ts';

const minuteMs = 60_000;
const nowMs = Date.UTC(2026, 10, 20, 12);

/** Starts of earlier passes in minutes before now, and the usual pause in minutes. */
const pauses: readonly (readonly [what: string, before: readonly number[], minutes: number])[] = [
  ['no pass before', [], 1],
  ['passes faster than cron', [0.2, 0.4], 1],
  ['one pass', [5], 5],
  ['the lower median of two pauses', [2, 7], 2],
  ['the median of three pauses', [2, 7, 17], 5],
  ['a pass that began twice', [2, 2, 4, 6, 26], 2],
  ['a pass of a clock that is ahead', [-3, 5], 5],
  ['only the last nine pauses', [...[2, 4, 6, 8, 10, 20, 30, 40, 50], ...[150, 250, 350, 450, 550]], 2],
  ['nine pauses, of which the fifth is long', [2, 4, 6, 8, 18, 28, 38, 48, 58, 59, 60], 10],
];
for (const [what, before, minutes] of pauses) {
  test(`the usual pause: ${what}`, () => {
    const runs = before.map((ago) => ({ program: 'alert' as const, startedAtMs: nowMs - ago * minuteMs }));
    const collected = { program: 'collect' as const, startedAtMs: nowMs - 30_000 };
    assert.equal(pauseOf([collected, ...runs.toReversed()], nowMs), minutes * minuteMs);
  });
}

test('a pass has the name of its run, process and host, of 64 characters at most', () => {
  assert.equal(holderName('run-1', 42, 'hq'), 'run-1 42 hq');
  assert.equal(holderName('run-1', 42, '😀'.repeat(99)), `run-1 42 ${'😀'.repeat(55)}`);
});

/** Opens the lease of a pass; `holder` is the other alerter that has it, null if it is free. */
function leaseOf(holder: string | null, isFree: boolean) {
  const calls: string[] = [];
  const lease = openPassLease(
    {
      takeLease: (name, own) => {
        calls.push(`take ${name} ${own}`);
        return Promise.resolve(isFree ? { name, epoch: 1, holder: own } : null);
      },
      leaseHolder: (name) => Promise.resolve(name === 'alerter' ? holder : 'wrong'),
      releaseLease: ({ name }) => Promise.resolve(void calls.push(`release ${name}`)),
    },
    'one',
  );
  return { lease, calls };
}

test('a lease is taken once and released, and one that was never taken is not released', async () => {
  const { lease, calls } = leaseOf(null, true);
  await lease.release();
  assert.deepEqual([lease.isHeld(), calls], [false, []]);
  assert.equal(await lease.take(), await lease.take());
  assert.equal(lease.isHeld(), true);
  await lease.release();
  assert.deepEqual(calls, ['take alerter one', 'release alerter']);
});

const holders: readonly (readonly [name: string | null, holder: LeaseTaken['holder']])[] = [
  ['run-1 42 hq.example.org', { pid: 42, host: 'hq.example.org', startedAtMs: null }],
  ['run-1 42 my host', { pid: 42, host: 'my host', startedAtMs: null }],
  ['run-1 42', null],
  ['somebody else', null],
  [null, null],
];
for (const [name, holder] of holders) {
  test(`a lease that ${name ?? 'nobody any more'} has is named`, async () => {
    const { lease } = leaseOf(name, false);
    await assert.rejects(lease.take(), (thrown) => {
      assert.ok(thrown instanceof LeaseTaken);
      assert.deepEqual(thrown.holder, holder);
      return true;
    });
    assert.equal(lease.isHeld(), false);
  });
}

const config = configOf(`<alerts defaults="no"><mail to="ops@example.org"/><alert name="b" type="disk" limit="9%"/>
  <alert name="a" type="cpu" limit="9%"/></alerts><client name="web-1" ip="192.0.2.1" username="u"/>`);

/** Returns the rules that are new, and those that are stored as known then; null if nothing is stored. */
async function rulesAfter(known: readonly string[] | undefined) {
  const memory = { newestReportMs: 5, newestVisitMs: null, bootId: null, rows: 0, changes: {} };
  const stored: unknown[] = [];
  const evaluation = {
    ruleStates: () => Promise.resolve(new Map([['', known === undefined ? memory : { ...memory, rules: known }]])),
    saveProcessed: (_: unknown, { ruleStates }: { readonly ruleStates: ReadonlyMap<string, unknown> }) =>
      Promise.resolve(void stored.push(ruleStates.get(''))),
  };
  const lease = { take: () => Promise.resolve({}) };
  const rules = await knownRules({ config, storage: { evaluation }, lease } as unknown as PassContext);
  await rules.remember();
  return { fresh: [...rules.fresh].sort(), stored, memory };
}

test('a rule is new if an earlier pass has not evaluated it, and is known from then on', async () => {
  const first = await rulesAfter(undefined);
  assert.deepEqual(first.fresh, [], 'nothing is new in a first pass');
  const [{ rules = [], ...rest } = {}] = first.stored as { readonly rules?: readonly string[] }[];
  assert.deepEqual([rules, rest], [[...rules].sort(), first.memory]);
  assert.ok(rules.includes('a') && rules.includes('b'));
  assert.deepEqual((await rulesAfter(rules)).stored, []);
  const others = rules.filter((name) => name !== 'a');
  const one = await rulesAfter(others);
  assert.deepEqual([one.fresh, one.stored], [['a'], [{ ...one.memory, rules }]]);
  const renamed = await rulesAfter([...others, 'former']);
  assert.deepEqual([renamed.fresh, renamed.stored.length], [['a'], 1]);
  assert.equal((await rulesAfter([...rules, 'former'])).stored.length, 1);
});

const run = (program: RunFact['program'], minutesAgo: number, collectorId = 'c1'): RunFact =>
  ({ program, collectorId, outcome: 'finished', startedAtMs: nowMs - minutesAgo * minuteMs }) as RunFact;

const week = 7 * 24 * 60;

test('the last run of a collector with an open alert is known however old it is', async () => {
  const read = async (alerts: readonly RunFact[], silent: string, collects = [run('collect', 5)]) => {
    const fleet = {
      runs: (program: string, sinceMs: number) => {
        const known = program === 'alert' ? alerts : collects;
        return Promise.resolve(known.filter(({ startedAtMs }) => startedAtMs >= sinceMs));
      },
      lastRunOf: (id: string) => Promise.resolve(id === 'lost' ? null : run('collect', 99_999, id)),
    };
    const open = ['collector-silent', 'collector-isolated'].map((rule) => alert({ client: '', rule, subject: silent }));
    const evaluation = { openAlerts: () => Promise.resolve(open) };
    const pass = { storage: { fleet, evaluation }, config, nowMs } as unknown as PassContext;
    const runs = await recentRuns(pass);
    return runs.map(({ program, collectorId }) => `${program} ${collectorId}`);
  };
  const passes = [run('alert', 1), run('alert', 99_999)];
  assert.deepEqual(await read(passes, 'c9'), ['collect c1', 'collect c9', 'alert c1']);
  assert.deepEqual(await read(passes, 'c1'), ['collect c1', 'alert c1'], 'it has run lately');
  assert.deepEqual(await read(passes, 'lost'), ['collect c1', 'alert c1']);
  // Without a recent pass, older ones show that this pass is not the first.
  assert.deepEqual(await read([run('alert', 99_999)], 'c1'), ['collect c1', 'alert c1']);
  assert.deepEqual(await read([], 'c1'), ['collect c1']);
  // A day is enough while the alerter runs without a break.
  const goesOn = times(200, (index) => run('alert', index + 1));
  const lately = await read(goesOn, 'c1', [run('collect', 5), run('collect', week - 1, 'c2')]);
  assert.deepEqual(
    lately.filter((one) => one.startsWith('collect')),
    ['collect c1'],
  );
  // All collectors may be silent: a week is looked at, and no more.
  assert.deepEqual(await read(passes, 'lost', [run('collect', week)]), ['collect c1', 'alert c1']);
  assert.deepEqual(await read(passes, 'lost', [run('collect', week + 1)]), ['alert c1']);
});

const another = new LeaseTaken(null);
const faultOf = (
  code: 'locked' | 'internal' | 'mail-refused',
  stage: 'lock' | 'run' | 'storage' | 'mail',
): FleetError => new FleetError({ code, stage, message: 'x' });
/** Faults of a stage: the line about each; null if it ends the pass. `again` is false where another alerter works. */
const faults: readonly (readonly [what: string, fault: Error, line: string | null, again?: false])[] = [
  ['of any code', new Error('x'), 'pass-incomplete: reading y: x'],
  ['of values', new StorageFault('refused', 'x'), 'pass-incomplete: reading y: x'],
  ['of a database that breaks its word', new StorageFault('broken', 'x'), 'pass-incomplete: reading y: x'],
  ['of a database that is away', new StorageFault('lost', 'x'), null],
  ['of a full disk', new StorageFault('full', 'x'), null],
  ['that has its own advice', faultOf('mail-refused', 'mail'), 'mail-refused: x'],
  ['that the storage named', faultOf('mail-refused', 'storage'), 'pass-incomplete: reading y: x'],
  ['without a name', faultOf('internal', 'run'), 'pass-incomplete: reading y: x'],
  ['by another alerter', another, null, false],
  ['by a lock of another alerter', faultOf('locked', 'lock'), null, false],
];
for (const [what, fault, line, again] of faults) {
  test(`a fault ${what} ${line === null ? 'ends the pass' : 'costs its stage'}`, async () => {
    const said: string[] = [];
    const observe = (event: { readonly kind: string; readonly fault?: unknown }): void => {
      if (event.fault instanceof FleetError) said.push(`${event.fault.code}: ${event.fault.message}`);
    };
    const stages = openStages({ signal: new AbortController().signal, observe });
    const stage = { what: 'reading y', otherwise: 'none', isVital: true };
    const run = stages.run(stage, () => Promise.reject(fault));
    if (line === null) await assert.rejects(run, fault);
    else assert.deepEqual([await run, stages.hasFailed(), said], ['none', true, [line]]);
    const part = openStages({ signal: new AbortController().signal, observe: () => undefined });
    if (line !== null) part.heed('a part of reading y', fault);
    assert.equal(part.hasFailed(), line !== null);
    // Work that the next pass does again fails no pass, and another alerter does it.
    const later = openStages({ signal: new AbortController().signal, observe });
    const heed = (): void => later.heedUnlessTaken('reading y', fault);
    if (line === null && again !== false) assert.throws(heed, fault);
    else heed();
    assert.deepEqual([later.hasFailed(), said.length], [false, line === null ? 0 : 2]);
  });
}

test('a signal ends the pass at any fault, and is no fault of work that the next pass does again', () => {
  const stages = openStages({ signal: AbortSignal.abort(), observe: () => assert.fail() });
  assert.throws(() => stages.heed('reading y', new Error('x')), { message: 'x' });
  stages.heedUnlessTaken('reading y', new Error('x'));
});
