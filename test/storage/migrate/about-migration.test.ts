import assert from 'node:assert/strict';

import type { StorageConfig } from '../../../src/config/config.ts';
import { keyOfClient, keyOfFleet, keyOfGroup } from '../../../src/about/kinds.ts';
import type { AboutKey } from '../../../src/about/about.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import type { Session } from '../../../src/storage/sql/database.ts';
import { onEachDatabase } from '../support/databases.ts';

/** An alert of each kind, with its evidence. */
const kinds: readonly (readonly [key: AboutKey, evidence: string])[] = [
  [keyOfClient('web-1', 'disk', '/'), 'report-1'],
  [keyOfClient('web-1', 'event service=backup', 'backup'), 'events 2026-11-20T10:00:00.000Z'],
  [keyOfClient('web', 'group-short'), 'a client may have a rule of any name'],
  [keyOfGroup('web'), 'report-1'],
  [keyOfFleet('collector-silent', 'c1'), 'run-1'],
  [keyOfFleet('state-disk', 'events:/var'), 'events:/var 2026-11-20T10:00:00.000Z'],
  [{ about: 'source', client: '', rule: 'backups', subject: 'nas:backup' }, 'events 2026-11-20T10:00:00.000Z'],
];

/** Stores the alerts as a program does that does not know the column: open ones, and others that have ended. */
async function storeAsBefore(session: Session, mark: string): Promise<void> {
  const at = session.dialect.now;
  for (const [{ client, rule, subject }, evidence] of kinds) {
    for (const state of ['firing', 'resolved']) {
      await session.run(
        `INSERT INTO alerts (client, rule, subject, alert_key, severity, state, value_text, limit_text, pending_since,
           firing_since, resolved_at, first_evidence)
         VALUES (?, ?, ?, ?, 'critical', ?, ?, '', ${at}, ${at}, ${state === 'resolved' ? at : 'NULL'}, ?)`,
        [client, rule, subject, mark, state, mark, evidence],
      );
    }
  }
}

/** Asserts that storage reads the kinds of all rows, and that a change of an alert names it in its row. */
async function namesOf(config: StorageConfig, wanted: readonly string[]): Promise<void> {
  const storage = await openStorage({ storage: config, migrate: false });
  try {
    const read = async (): Promise<readonly unknown[]> =>
      (await storage.alertHistory.alertsOf({ openOnly: false, limit: 100 })).map(({ about }) => about).reverse();
    assert.deepEqual(await read(), [...wanted, ...wanted]);
    const open = await storage.evaluation.openAlerts(null);
    const lease = await storage.leases.takeLease('alerter', 'pass-1');
    assert.ok(lease !== null);
    const processed = { statIds: [], visitIds: [], alerts: open, ruleStates: new Map<string, never>() };
    await storage.evaluation.saveProcessed(lease, processed);
    const named = await storage.history.query("SELECT about FROM alerts WHERE state = 'firing' ORDER BY id");
    const ofOpen = kinds.map(([{ about }]) => about);
    assert.deepEqual(
      named.map((row) => row['about']),
      [...ofOpen, ...ofOpen],
      'a change names it in the row',
    );
  } finally {
    await storage.close();
  }
}

onEachDatabase(
  'the migration of what alerts are about',
  (kit) => {
    kit.it('names it for the rows of each kind, and readers name it for rows that lack it', async () => {
      const config = await kit.create();
      const files = readMigrations(kit.kind);
      const index = files.findIndex(({ name }) => name.endsWith('-about'));
      const database = await openDatabase({ storage: config, program: 'change' });
      await migrateDatabase(database, files.slice(0, index));
      await database.write((session) => storeAsBefore(session, 'before'));
      await migrateDatabase(database);
      // An older program still writes.
      await database.write((session) => storeAsBefore(session, 'beside'));
      const wanted = kinds.flatMap(([key]) => [key.about, key.about]);
      const seen = await database.readOnly(
        'SELECT v.about, a.value_text FROM alert_history v JOIN alerts a ON a.id = v.id ORDER BY a.id',
      );
      const of = (mark: string): readonly unknown[] =>
        seen.flatMap((row) => (row['value_text'] === mark ? [row['about']] : []));
      assert.deepEqual(of('before'), wanted);
      assert.deepEqual(
        of('beside'),
        wanted.map(() => ''),
      );
      await database.close();

      await namesOf(config, wanted);
    });
  },
  { mariadb: 'always' },
);
