// Second tier: waits for runs of an agent that keeps reports.
/**
 * Reports that a crontab line of the client takes: spooled while no collector visits, transferred by the next visit.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Report, noRunId } from '../../../src/report/report.ts';
import { buildAgentWith } from '../../support/clients/agent-bundles.ts';
import { bundles, modeOf, ownMachine, type Machine, type OwnMachine } from '../../support/clients/agent-visit.ts';
import { fakeNode, impostors } from '../../support/ssh/launcher-path.ts';
import { isWide } from '../../support/long-tests.ts';
import { lineFor, runAsCron, startAsCron, type CronOptions } from '../../support/clients/spool-line.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

const script = (clientDir: () => string): string => path.join(clientDir(), 'spool.sh');

interface Spooling extends OwnMachine {
  /** Runs the line as cron does, but without the redirection of its output. */
  readonly cron: (line?: Parameters<typeof lineFor>[0], options?: Partial<CronOptions>) => ReturnType<typeof runAsCron>;
  readonly line: (options?: Parameters<typeof lineFor>[0]) => string;
}

const nothing = { status: 0, said: '' };

function withCron(made: OwnMachine): Spooling {
  const line: Spooling['line'] = (options) =>
    lineFor({ collectorId: made.collectorId, ...options }).replace(/ >\/dev\/null 2>&1$/, '');
  return { ...made, line, cron: (options, more) => runAsCron(line(options), { home: made.home, ...more }) };
}

/** Returns a machine that runs the line and has been visited twice. */
async function spooling(made: OwnMachine): Promise<Spooling> {
  const own = withCron(made);
  await own.visit();
  assert.deepEqual(own.cron(), nothing);
  assert.equal(fs.statSync(script(own.clientDir)).size, 0);
  assert.deepEqual(own.spool(), [], 'nothing is known yet of how a report is to be made');
  await own.visit();
  assert.ok(fs.statSync(script(own.clientDir)).size > 0);
  return own;
}

async function keepsReports({ visit, spool, clientDir, cron }: Spooling): Promise<void> {
  assert.equal(modeOf(script(clientDir)), 0o600);
  for (let n = 1; n <= 3; n += 1) {
    assert.deepEqual(cron(), nothing);
    assert.equal(spool().length, n);
  }
  const content = fs.readFileSync(script(clientDir));
  const { result, reports } = await visit();
  assert.equal(result.fault, null);
  assert.equal(result.acknowledged, 4);
  const [now, ...before] = reports as [Report, ...Report[]];
  assert.notEqual(now.run_id, noRunId);
  const facts = before.map(({ run_id, name, client }) => [run_id, name, client]);
  assert.deepEqual(facts, Array(3).fill([noRunId, 'Daemon report', 'web-1']));
  assert.ok(before.every(({ boot_id }) => boot_id === now.boot_id));
  const times = [...before, now].map(({ monotonic_ms }) => monotonic_ms);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  assert.deepEqual(spool(), []);
  assert.deepEqual(fs.readFileSync(script(clientDir)), content, 'it is not written anew at every visit');
  assert.deepEqual(fs.readdirSync(clientDir()).sort(), ['counters.json', 'spool.sh']);
}

function leavesToCollector({ spool, clientDir, cron }: Spooling): void {
  assert.deepEqual(cron({ pauseSeconds: 450 }), nothing);
  assert.deepEqual(spool(), []);
  const file = path.join(clientDir(), 'counters.json');
  const counters = JSON.parse(fs.readFileSync(file, 'utf8')) as { visitedMs: number };
  const visits = [
    { visitedAgoMs: 300_000, taken: 0 },
    { visitedAgoMs: 450_000, taken: 1 },
    { visitedAgoMs: -3_600_000, taken: 2 },
  ];
  for (const { visitedAgoMs, taken } of visits) {
    fs.writeFileSync(file, JSON.stringify({ ...counters, visitedMs: counters.visitedMs - visitedAgoMs }));
    assert.equal(cron({ pauseSeconds: 450 }).status, 0);
    assert.equal(spool().length, taken);
  }
}

async function takesOtherRules({ visit, clientDir, spool, cron }: Spooling): Promise<void> {
  const agent = buildAgentWith(
    `({ options }) => Promise.resolve({ workerReports: [{ name: 'asked', duration_ms: 0, error: JSON.stringify(options),
      function_reports: [] }], counters: null })`,
  );
  const before = fs.readFileSync(script(clientDir), 'utf8');
  await visit({ bundles: { ...bundles, agent }, probeOptions: { units: ['nginx.service'] } });
  assert.notEqual(fs.readFileSync(script(clientDir), 'utf8'), before);
  assert.deepEqual(cron(), nothing);
  assert.equal(spool().length, 1);
  const { reports } = await visit();
  assert.equal(reports[1]?.worker_reports[0]?.error, '{"units":["nginx.service"]}');
}

async function meetsVisit({ visit, home, clientDir, line }: Spooling): Promise<void> {
  const repetitions = isWide ? 5 : 1;
  let taken = 0;
  for (let n = 0; n < repetitions; n += 1) {
    const child = startAsCron(line(), { home });
    const [{ result }] = await Promise.all([visit(), once(child, 'exit')]);
    assert.equal(result.fault, null);
    taken += result.acknowledged;
  }
  assert.ok(taken >= repetitions);
  const last = await visit();
  assert.equal(last.result.fault, null);
  assert.deepEqual(fs.readdirSync(clientDir()).sort(), ['counters.json', 'spool.sh']);
}

async function hangs({ visit, home, clientDir, spool, cron, line }: Spooling): Promise<void> {
  const agent = buildAgentWith(
    `({ source }) => source.notes?.read('hang') === '' ? new Promise(() => setInterval(() => {}, 1000))
      : Promise.resolve({ workerReports: [], counters: null })`,
  );
  const own = { bundles: { ...bundles, agent } };
  await visit(own);
  fs.writeFileSync(path.join(clientDir(), 'hang'), '');
  const child = startAsCron(line(), { home });
  const ended = once(child, 'exit');
  const record = path.join(clientDir(), 'running');
  for (let n = 0; n < 6000 && !fs.existsSync(record) && !isLink(record); n += 1) await sleep(10);
  assert.deepEqual(cron(), nothing);
  fs.rmSync(path.join(clientDir(), 'hang'));
  const { result } = await visit(own);
  assert.equal(result.fault, null);
  assert.deepEqual(await ended, [137, null]);
  assert.deepEqual(spool(), []);
}

/** Stories of one client, one after the other: each finds an empty spool, or begins with a visit. */
const stories: readonly (readonly [string, (own: Spooling) => Promise<void> | void, when?: typeof rare])[] = [
  ['reports are kept by cron, and the next visit brings them home, this run’s first', keepsReports],
  ['with a collector that comes there is nothing to do', leavesToCollector],
  ['a new agent, a new key and other rules reach the script with the visit that brings them', takesOtherRules],
  ['a visit and a crontab that come at once: one report each at most, and none is lost', meetsVisit],
  ['a crontab’s agent that hangs gives way to a visit, and a second of its kind does not join it', hangs, rare],
];

test('a client that runs the line', async (t) => {
  const own = await spooling(ownMachine(t));
  for (const [what, story, when] of stories) await t.test(what, { ...when }, () => story(own));
});

test('what each report says is an average since the one before, whichever kind it was', rare, async (t) => {
  const made = withCron(ownMachine(t));
  const { cron } = made;
  const agent = buildAgentWith(
    `({ previous, bootId, monotonicMs }) => Promise.resolve({
      workerReports: [{ name: 'since', duration_ms: 0, error: null,
        function_reports: [{ name: 'since', data: [{ n: previous === null ? -1 : previous.values.n }] }] }],
      counters: { bootId, monotonicMs, values: { n: previous === null ? 0 : previous.values.n + 1 } } })`,
  );
  const own = { bundles: { ...bundles, agent } };
  const visit = (): ReturnType<Machine['visit']> => made.visit(own);
  await visit();
  assert.equal(cron().status, 0);
  await visit();
  for (let n = 0; n < 3; n += 1) assert.deepEqual(cron(), nothing);
  // The spool is unchanged if a report cannot be stored.
  const refused = cron({}, { shell: ['/bin/sh', '-c', 'ulimit -f 0; exec /bin/sh "$@"', 'sh'] });
  assert.equal(refused.status, 4);
  assert.match(refused.said, /EFBIG/);
  const { reports } = await visit();
  const since = reports.map(({ worker_reports }) => worker_reports[0]?.function_reports[0]?.data[0]?.['n']);
  assert.deepEqual(since, [4, 1, 2, 3]);
});

test('without the agent that the script names, another one that is there is taken', rare, async (t) => {
  const { clientDir, spool, cron } = await spooling(ownMachine(t));
  const dir = path.dirname(clientDir());
  const named = path.join(dir, `${bundles.agent.digest}.t.cjs`);
  // The agent for other systems than Linux makes no reports on this one.
  fs.writeFileSync(path.join(dir, `${'0'.repeat(64)}.t.cjs`), bundles.inventory.content, { mode: 0o600 });
  fs.renameSync(named, path.join(dir, `${'f'.repeat(64)}.t.cjs`));
  assert.equal(cron().status, 0);
  assert.equal(spool().length, 1);
  for (const name of fs.readdirSync(dir).filter((name) => name.endsWith('.cjs'))) fs.rmSync(path.join(dir, name));
  assert.notEqual(cron().status, 0);
  assert.equal(spool().length, 1);
});

for (const [what, text] of Object.entries(impostors)) {
  test(`another node makes the report where the last one ${what}`, rare, async (t) => {
    const { home, clientDir, spool, cron } = await spooling(ownMachine(t));
    const file = script(clientDir);
    const node = fakeNode(path.join(home, 'bin'), text);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/^n='.*'$/m, `n='${node}'`));
    assert.equal(cron().status, 0);
    assert.equal(spool().length, 1);
  });
}

const damages: readonly { readonly what: string; readonly damage: (content: Buffer) => Buffer }[] = [
  { what: 'half', damage: (content) => content.subarray(0, content.length / 2) },
  { what: 'empty', damage: () => Buffer.alloc(0) },
  { what: 'zeros', damage: (content) => Buffer.alloc(content.length) },
  { what: 'something else', damage: () => Buffer.from('( exit 3 )\n') },
];

for (const { what, damage } of damages) {
  test(`a script that is ${what} does nothing, and the next visit mends it`, rare, async (t) => {
    const { visit, clientDir, spool, cron } = await spooling(ownMachine(t));
    const content = fs.readFileSync(script(clientDir));
    fs.writeFileSync(script(clientDir), damage(content));
    cron();
    assert.deepEqual(spool(), []);
    await visit();
    assert.deepEqual(fs.readFileSync(script(clientDir)), content);
    assert.equal(cron().status, 0);
    assert.equal(spool().length, 1);
  });
}

test('after a cleanup the line does nothing, and makes nothing', rare, async (t) => {
  const { home, cron } = await spooling(ownMachine(t));
  fs.rmSync(path.join(home, '.local/state/fleet-health'), { recursive: true });
  assert.equal(cron().said, '');
  assert.equal(fs.existsSync(path.join(home, '.local/state/fleet-health')), false);
});

test('a client that was renamed goes on under its new name, by the line of the old one', rare, async (t) => {
  const made = withCron(ownMachine(t));
  const { cron } = made;
  const old = { client: 'old' };
  await made.visit(old);
  assert.equal(cron(old).status, 0);
  await made.visit({ client: 'new', was: 'old' });
  assert.deepEqual(cron(old), nothing);
  const { received, reports } = await made.visit({ client: 'new', was: 'old' });
  const clients = received.map(({ header }) => header.client);
  assert.deepEqual(clients, ['new', 'new']);
  assert.equal(reports[1]?.run_id, noRunId);
});

test('a link in place of the script is not followed, and a visit puts the script in its place', rare, async (t) => {
  const { visit, home, clientDir, cron } = await spooling(ownMachine(t));
  const elsewhere = path.join(home, 'elsewhere');
  fs.writeFileSync(elsewhere, 'echo followed');
  fs.rmSync(script(clientDir));
  fs.symlinkSync(elsewhere, script(clientDir));
  assert.equal(cron().said, '');
  await visit();
  assert.equal(fs.readFileSync(elsewhere, 'utf8'), 'echo followed');
});

function isLink(file: string): boolean {
  return fs.readdirSync(path.dirname(file)).includes(path.basename(file));
}
