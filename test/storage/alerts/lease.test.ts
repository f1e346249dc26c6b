import assert from 'node:assert/strict';

import type { ProcessedRows } from '../../../src/storage/store/evaluation-store.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { fenced } from '../../../src/storage/alerts/lease.ts';
import { alert, mail, memory, stored, lastNotified } from '../support/alert-samples.ts';
import { commitTwice } from '../support/crashing-database.ts';
import { type Opened, onEachDatabase } from '../support/databases.ts';
import { item, visit } from '../support/samples.ts';

const locked = { name: 'FleetError', code: 'locked' };
const nothing: ProcessedRows = { statIds: [], visitIds: [], alerts: [], ruleStates: new Map() };

onEachDatabase(
  'the lease',
  ({ it }) => {
    it('is one holder’s until it is released', async ({ storage }) => {
      const one = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      assert.deepEqual(one, { name: 'alerter', epoch: 1, holder: 'one' });
      assert.equal(await storage.leases.takeLease('alerter', 'two'), null);
      assert.notEqual(await storage.leases.takeLease('other', 'two'), null);
      await storage.leases.touchLease(one);
      await storage.leases.releaseLease(one);
      assert.deepEqual(await storage.leases.takeLease('alerter', 'two'), { name: 'alerter', epoch: 2, holder: 'two' });
      await storage.leases.releaseLease(one);
      assert.equal(await storage.leases.takeLease('alerter', 'three'), null, 'released by one who no longer had it');
    });

    for (const { what, seconds, free } of [
      { what: '59 s ago', seconds: -59, free: false },
      { what: '61 s ago', seconds: -61, free: true },
      // A clock that was set back must not lock out every alerter.
      { what: 'in an hour', seconds: 3600, free: true },
    ] as const) {
      it(`touched ${what} it is ${free ? 'free' : 'not free'}`, async (opened) => {
        const { storage } = opened;
        const old = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
        await touchedAt(opened, seconds);
        const taken = await storage.leases.takeLease('alerter', 'two');
        assert.deepEqual(taken, free ? { name: 'alerter', epoch: 2, holder: 'two' } : null);
        if (free) await assert.rejects(storage.leases.touchLease(old), locked);
        else await storage.leases.touchLease(old);
      });
    }

    it('is not two holders’ when the database forgets an epoch and gives it again', async (opened) => {
      const { storage } = opened;
      const first = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      await storage.leases.releaseLease(first);
      const forgotten = (await storage.leases.takeLease('alerter', 'two')) ?? assert.fail('not free');
      await opened.database.write((session) =>
        session.run("UPDATE leases SET epoch = 1, holder = '' WHERE name = 'alerter'", []),
      );
      const again = (await storage.leases.takeLease('alerter', 'three')) ?? assert.fail('not free');
      assert.equal(again.epoch, forgotten.epoch);
      await assert.rejects(storage.leases.touchLease(forgotten), locked);
      await storage.leases.releaseLease(forgotten);
      await storage.leases.touchLease(again);
    });

    it('whoever lost it stores nothing more', async (opened) => {
      const { storage, reports } = opened;
      await reports.ingest([item()]);
      await reports.saveVisits([visit()]);
      const old = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      await touchedAt(opened, -61);
      const lease = (await storage.leases.takeLease('alerter', 'two')) ?? assert.fail('not free');
      const batch = await storage.evaluation.unprocessed(10);
      const evaluated = {
        statIds: batch.reports.map(({ id }) => id),
        visitIds: batch.visits.map(({ id }) => id),
        alerts: [alert()],
        ruleStates: new Map([['web-1', memory()]]),
      };
      const before = await everything(opened);
      await assert.rejects(storage.evaluation.saveProcessed(old, evaluated), locked);
      await assert.rejects(
        storage.notifications.saveNotifications(old, {
          mails: [mail({ notifications: [stored()] })],
          notified: [lastNotified()],
          closedOut: [1],
        }),
        locked,
      );
      await assert.rejects(storage.leases.touchLease(old), locked);
      await assert.rejects(storage.evaluation.saveProcessed({ ...lease, name: 'unknown' }, nothing), locked);
      assert.deepEqual(await everything(opened), before);
      await storage.evaluation.saveProcessed(lease, evaluated);
    });

    it('every change touches it, by the database’s clock', async (opened) => {
      const { storage } = opened;
      const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      await touchedAt(opened, -50);
      await storage.evaluation.saveProcessed(lease, nothing);
      await storage.notifications.saveNotifications(lease, { mails: [], notified: [], closedOut: [] });
      const [row] = await opened.storage.history.query('SELECT touched, touched_at FROM leases');
      assert.equal(row?.['touched'], 2);
      const age = (await storage.nowMs()) - Date.parse(`${String(row['touched_at']).replace(' ', 'T')}Z`);
      assert.ok(age >= 0 && age < 30_000, `${age}`);
    });

    it('says who has it', async ({ storage }) => {
      assert.equal(await storage.leases.leaseHolder('alerter'), null);
      const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      assert.equal(await storage.leases.leaseHolder('alerter'), 'one');
      assert.equal(await storage.leases.leaseHolder('another'), null);
      await storage.leases.releaseLease(lease);
      assert.equal(await storage.leases.leaseHolder('alerter'), null);
    });

    it('of two that ask at once one gets it', async ({ config, storage }) => {
      const other = await openDatabase({ storage: config, program: 'alert' });
      try {
        const storages = [storage, storageOn(other)];
        const taken = await Promise.all(storages.map(({ leases }, index) => leases.takeLease('alerter', `${index}`)));
        assert.equal(taken.filter((lease) => lease !== null).length, 1);
      } finally {
        await other.close();
      }
    });

    it('a commit whose answer was lost is not made again', async (opened) => {
      const { storage, database } = opened;
      await storage.reports.ingest([item()]);
      const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
      const [report] = (await storage.evaluation.unprocessed(1)).reports;
      const twice = storageOn(commitTwice(database));
      await twice.evaluation.saveProcessed(lease, { ...nothing, statIds: [report?.id ?? 0], alerts: [alert()] });
      assert.equal((await storage.evaluation.openAlerts(null)).length, 1);
      const outcome = await twice.notifications.saveNotifications(lease, {
        mails: [mail({ notifications: [stored(), stored({ alertId: 2 })] })],
        notified: [lastNotified()],
        closedOut: [],
      });
      assert.equal(outcome, 'stored');
      const results: number[] = [];
      const result = await fenced(commitTwice(database), lease, () => Promise.resolve(results.push(1)));
      assert.deepEqual([result, results], [1, [1]]);
    });
  },
  { mariadb: 'always' },
);

async function touchedAt({ database, storage }: Opened, seconds: number): Promise<void> {
  const at = new Date((await storage.nowMs()) + seconds * 1000).toISOString().slice(0, 23).replace('T', ' ');
  await database.write((session) => session.run('UPDATE leases SET touched_at = ?', [at]));
}

async function everything({ database }: { readonly database: Database }): Promise<readonly unknown[]> {
  const tables = ['leases', 'stats', 'visits', 'alerts', 'rule_state', 'mails', 'notifications', 'last_notified'];
  return Promise.all(tables.map((table) => database.read((session) => session.all(`SELECT * FROM ${table}`))));
}
