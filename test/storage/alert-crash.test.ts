// Second tier: ends a writer at each step.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Lease } from '../../src/storage/store/lease-store.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { storageOn } from '../../src/storage/open-storage.ts';
import type { Database } from '../../src/storage/sql/database.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { openSqliteDatabase } from '../../src/storage/dialects/sqlite/database.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { storageArgument } from '../support/databases/storage-argument.ts';
import { alert, mail } from './support/alert-samples.ts';
import { plan, allProcessed } from './support/alert-work.ts';
import type { WriterOptions } from './support/alert-writer.ts';
import { crashingDatabase } from './support/crashing-database.ts';
import { type Opened, onEachDatabase } from './support/databases.ts';
import { item, noonMs, visit } from './support/samples.ts';
import { pluck } from '../support/pluck.ts';

const works = {
  evaluate: async (storage: Storage, lease: Lease) =>
    storage.evaluation.saveProcessed(lease, await allProcessed(storage)),
  tell: (storage: Storage, lease: Lease) => storage.notifications.saveNotifications(lease, plan('tell', [1])),
} as const;
const names = ['evaluate', 'tell'] as const;
const maxStatements = 60;

onEachDatabase('a crash of the alerter', ({ it, kind }) => {
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  for (const name of names) {
    it(`at any statement of what it does to ${name} leaves nothing half-done`, async (opened) => {
      const lease = await prepared(opened);
      const before = await everything(opened.database);
      const statements = await crashEverywhere(async (statement, when) => {
        const crashes: number[] = [];
        const crash = (): void => {
          crashes.push(statement);
          throw new Error('crash');
        };
        const { database } = crashingDatabase(opened.database, { statement, when, crash });
        const thrown = await works[name](storageOn(database), lease).catch((error: unknown) => error);
        if (crashes.length === 0) return false;
        assert.match(String(thrown), /crash/);
        assert.deepEqual(await everything(opened.database), before, `${when} statement ${statement}`);
        return true;
      });
      assert.ok(statements >= 8, `${statements} statements`);
      assert.notDeepEqual(await everything(opened.database), before);
    });
  }

  for (const name of names) {
    it(`the process that is killed while it does what it does to ${name} leaves nothing half-done`, async (opened) => {
      const lease = await prepared(opened);
      const before = await everything(opened.database);
      for (const statement of [2, 5]) {
        const child = writer({ opened, lease, work: name, statement, signal: 'SIGKILL' });
        const [code, signal] = (await once(child.process, 'exit')) as [number | null, string | null];
        assert.deepEqual({ code, signal, said: child.said() }, { code: null, signal: 'SIGKILL', said: '' });
        // The server notices by itself that its client has ended; the request for the lease waits for that.
        await opened.storage.leases.touchLease(lease);
        assert.deepEqual(withoutLease(await everything(opened.database)), withoutLease(before));
      }
      await works[name](opened.storage, lease);
      assert.notDeepEqual(withoutLease(await everything(opened.database)), withoutLease(before));
    });
  }

  if (kind === 'mysql') {
    for (const name of names) {
      it(`a connection cut at any statement of ${name} is made anew, and nothing is done twice`, async (opened) => {
        const lease = await prepared(opened);
        const alerter = await openDatabase({ storage: opened.config, program: 'alert' });
        try {
          await crashEverywhere(async (statement, when) => {
            let crashed = false;
            const [row] = await alerter.read((session) => session.all('SELECT CONNECTION_ID() AS id'));
            const crash = async (): Promise<void> => {
              crashed = true;
              await opened.database.migrate((session) => session.run(`KILL ${Number(row?.['id'])}`));
            };
            const { database } = crashingDatabase(alerter, { statement, when, crash });
            await prepareMore(opened, lease, `${statement} ${when}`);
            const before = await facts(opened.database);
            const [waiting] = (await opened.storage.notifications.state(noonMs)).waiting;
            const storage = storageOn(database);
            if (name === 'evaluate') await works.evaluate(storage, lease);
            else
              await storage.notifications.saveNotifications(
                lease,
                plan(`notified ${statement} ${when}`, [waiting?.id ?? 0]),
              );
            const now = await facts(opened.database);
            if (name === 'evaluate') {
              assert.deepEqual({ ...now, open: 0 }, { ...before, open: 0, unprocessed: 0 });
              assert.equal(now.open, before.open + 1);
            } else {
              assert.deepEqual(now, { ...before, mails: before.mails + 1, notified: before.notified + 1 });
              assert.deepEqual(pluck((await opened.storage.notifications.state(noonMs)).waiting, 'recipient'), [
                'ops@example.org',
              ]);
            }
            return crashed;
          });
        } finally {
          await alerter.close();
        }
      });
    }

    for (const [name, statement] of [
      ['evaluate', 3],
      ['evaluate', 8],
      ['tell', 5],
    ] as const) {
      it(`an alerter suspended at statement ${statement} of ${name} changes nothing when it wakes`, async (opened) => {
        const { storage } = opened;
        const lease = await prepared(opened);
        const child = writer({ opened, lease, work: name, statement, signal: 'SIGSTOP', waitSeconds: 2 });
        await stopped(child.process);
        // Waits until the server has rolled back the transaction of the suspended process.
        assert.equal(await storage.leases.takeLease('alerter', 'two'), null);
        await opened.database.write((session) =>
          session.run("UPDATE leases SET touched_at = TIMESTAMPADD(SECOND, -61, touched_at) WHERE name = 'alerter'"),
        );
        const taken = (await storage.leases.takeLease('alerter', 'two')) ?? assert.fail('not taken over');
        await works[name](storage, taken);
        const before = await everything(opened.database);
        child.process.kill('SIGCONT');
        await once(child.process, 'exit');
        assert.equal(child.said(), 'locked\n');
        assert.deepEqual(await everything(opened.database), before);
      });
    }
  }
  if (kind === 'sqlite') {
    it('an alerter that is suspended keeps others from writing until it wakes, and then goes on', async (opened) => {
      const lease = await prepared(opened);
      const child = writer({ opened, lease, work: 'evaluate', statement: 5, signal: 'SIGSTOP' });
      await stopped(child.process);
      const impatient = await openSqliteDatabase({ path: opened.config.path ?? '', lockTimeoutMs: 200 });
      try {
        const storage = storageOn(impatient);
        await assert.rejects(storage.leases.takeLease('alerter', 'two'), { code: 'storage-unavailable' });
        assert.equal((await storage.evaluation.unprocessed(10)).reports.length, 3, 'reading goes on');
        child.process.kill('SIGCONT');
        await once(child.process, 'exit');
        assert.equal(child.said(), 'stored\n');
        assert.equal((await storage.evaluation.unprocessed(10)).reports.length, 0);
      } finally {
        await impatient.close();
      }
    });
  }

  interface WriterStart extends Pick<WriterOptions, 'lease' | 'work' | 'statement' | 'signal'> {
    readonly opened: Opened;
    readonly waitSeconds?: number;
  }

  function writer(start: WriterStart): { readonly process: ChildProcess; readonly said: () => string } {
    const { opened, waitSeconds = null, ...rest } = start;
    const options: WriterOptions = { ...storageArgument(opened.config), waitSeconds, ...rest };
    const file = path.join(import.meta.dirname, 'support/alert-writer.ts');
    const args = [...programArgs(file), JSON.stringify(options)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    return { process: child, said: () => said };
  }
});

/** Tries every statement of the transaction. Returns the number of statements. */
async function crashEverywhere(
  attempt: (statement: number, when: 'before' | 'after') => Promise<boolean>,
): Promise<number> {
  for (let statement = 1; statement < maxStatements; statement += 1) {
    for (const when of ['before', 'after'] as const) if (!(await attempt(statement, when))) return statement - 1;
  }
  throw new Error(`more than ${maxStatements} statements`);
}

/**
 * Stores three reports and two visits that are unprocessed, an open alert, an ended one (id 1), and a waiting mail (1).
 */
async function prepared(opened: Opened): Promise<Lease> {
  const { storage } = opened;
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  const ended = alert({ state: 'resolved', resolvedAtMs: noonMs, closedReason: 'recovered' });
  const some = [ended, alert()];
  await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });
  await prepareMore(opened, lease, 'first');
  return lease;
}

async function prepareMore({ storage }: Opened, lease: Lease, name: string): Promise<void> {
  await storage.reports.ingest([item(), item(), item()]);
  await storage.reports.saveVisits([visit({ runId: `a ${name}` }), visit({ runId: `b ${name}` })]);
  const mails =
    (await storage.notifications.state(noonMs)).waiting.length === 0 ? [mail({ messageId: `<${name}>` })] : [];
  await storage.notifications.saveNotifications(lease, { mails, notified: [], closedOut: [] });
}

async function facts(
  database: Database,
): Promise<Readonly<Record<'unprocessed' | 'open' | 'mails' | 'notified', number>>> {
  const count = async (from: string): Promise<number> => {
    const [row] = await database.read((session) => session.all(`SELECT COUNT(*) AS count FROM ${from}`));
    return Number(row?.['count']);
  };
  const stats = await count('stats WHERE processed_at IS NULL');
  const visits = await count('visits WHERE processed_at IS NULL');
  return {
    unprocessed: stats + visits,
    open: await count('alerts WHERE open_key IS NOT NULL'),
    mails: await count('mails'),
    notified: await count('last_notified'),
  };
}

type Tables = Readonly<Record<string, readonly unknown[]>>;

async function everything(database: Database): Promise<Tables> {
  const tables = ['leases', 'stats', 'visits', 'alerts', 'rule_state', 'mails', 'notifications', 'last_notified'];
  const contents: [string, readonly unknown[]][] = [];
  for (const table of tables) {
    contents.push([table, await database.read((session) => session.all(`SELECT * FROM ${table} ORDER BY 1, 2`))]);
  }
  return Object.fromEntries(contents);
}

function withoutLease(tables: Tables): Tables {
  return { ...tables, leases: [] };
}

/** Waits until the kernel reports the process as stopped. The kernel has no event for that. */
async function stopped(child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const stat = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8');
    if (/\) T /.test(stat)) return;
    await sleep(20);
  }
  throw new Error('it was not stopped');
}
