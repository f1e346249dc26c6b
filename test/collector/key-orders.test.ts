// Second tier: keys and clients in every order.
/**
 * Keys are generated, rotated, imported and retired in any order while reports are under way. Each report becomes one
 * row, or a message says that its key was retired. With the retired keys from a backup every report becomes one row.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';

import { ingestRun } from '../../src/collector/run/ingest-run.ts';
import { generateKey, listKeys, rotateKeys } from '../../src/collector/keys/key-ring.ts';
import { importPublicKey } from '../../src/collector/keys/public-keys.ts';
import { retireKey } from '../../src/collector/keys/retire-key.ts';
import type { StorageConfig } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { shuffled } from '../../src/simulator/seeded.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Storage } from '../../src/storage/store/storage.ts';
import { onEachDatabase, type Kit } from '../storage/support/databases.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { makeClient, makeConfig, makeFleet, storageAway } from '../support/fleets/fleet.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { makeMigrated } from '../support/databases/migrated.ts';
import { namesBelow } from '../support/names-below.ts';
import { scriptedAgent } from '../support/clients/scripted-agents.ts';
import { tempFolder } from '../support/temp-folder.ts';

const root = tempFolder();

/** The next action of a person or a program. `retire` checks first, `force` does not. */
type Step = keyof ReturnType<typeof startStory>['steps'];

const together: readonly Step[] = ['visit', 'alone', 'rotate', 'retire', 'visit', 'away', 'alone', 'rotate', 'force'];
const split: readonly Step[] = [...together, 'import', 'open', 'retirePublic', 'import', 'open', 'forcePublic'];
/** Orders that failed once, or that are usual. */
const notified: readonly (readonly Step[])[] = [
  ['visit', 'alone', 'rotate', 'visit', 'visit', 'retire'],
  ['visit', 'alone', 'rotate', 'import', 'away', 'open', 'retire', 'visit', 'open'],
  ['visit', 'alone', 'rotate', 'force', 'visit'],
  ['visit', 'rotate', 'import', 'alone', 'forcePublic', 'visit', 'force', 'open'],
  ['rotate', 'retire', 'away', 'visit', 'import'],
  ['visit', 'rotate', 'import', 'forcePublic', 'alone', 'away', 'import', 'force', 'open'],
];

/** The number of random orders of each kind. */
const orders = Number(process.env['FLEET_HEALTH_KEY_ORDERS'] ?? (isLong ? 100 : isWide ? 3 : 1));
const seed = Number(process.env['FLEET_HEALTH_SEED'] ?? 1);

if (isLong) onEachDatabase('keys in any order', scenarios);
else scenarios({ create: migratedFile });

async function migratedFile(): Promise<StorageConfig> {
  const storage = sqliteConfig(path.join(root, `${randomUUID()}.db`));
  await makeMigrated(storage);
  return storage;
}

function scenarios({ create }: Pick<Kit, 'create'>): void {
  for (const steps of [together, split]) {
    const opens = steps === together;
    test(opens ? 'the collector opens' : 'another machine opens', { timeout: 3_600_000 }, async () => {
      const usual = notified.filter((_, index) => isWide || index % 3 === 0);
      const stories = [...usual, ...drawn(steps)];
      // The orders run concurrently, because a pass waits more than it computes.
      const next = stories.values();
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          for (const story of next) await tell(await create(), opens, story);
        }),
      );
    });
  }
}

/** Returns random orders. Some lack the last one or two steps, because an earlier end is another case. */
function drawn(steps: readonly Step[]): readonly (readonly Step[])[] {
  return Array.from({ length: orders }, (_, index) => {
    const order = [...shuffled(steps.length, seed * 1000 + index)].flatMap((at) => steps[at] ?? []);
    return order.slice(0, steps.length - (index % 3));
  });
}

async function tell(config: StorageConfig, opens: boolean, order: readonly Step[]): Promise<void> {
  const story = startStory(config, opens);
  const what = `seed ${seed}, ${opens ? 'together' : 'split'}: ${order.join(' ')}`;
  try {
    for (const step of order) await story.steps[step]();
    await story.settle();
    const { given } = story;
    const open = await story.missing(what);
    if (given.size === 0) assert.deepEqual(open, [], `${what}: lost although nobody forced anything`);
    const said = story.notified();
    for (const id of open) assert.match(said.get(id) ?? `${id}: nothing is said`, /retired here at/, what);
    story.bringBack();
    await story.settle();
    assert.deepEqual(await story.missing(what), [], `${what}: brought back`);
  } finally {
    story.end();
  }
}

function startStory(database: StorageConfig, opens: boolean) {
  const fleet = makeFleet();
  const place = mkdtempSync(path.join(root, 'story-'));
  const collector = statePaths(fleet.stateDir);
  const opener = opens ? collector : statePaths(path.join(place, 'state'));
  const agent = scriptedAgent('web-1');
  const clients = [makeClient('web-1')];
  const backup = { keys: path.join(place, 'keys'), publicKeys: path.join(place, 'public_keys') };
  for (const dir of Object.values(backup)) mkdirSync(dir);
  /** The keys that were removed although reports may have needed them. */
  const given = new Set<string>();
  const said: { readonly code: string | null; readonly message: string | null }[] = [];
  const connect = (): Promise<Storage> => openStorage({ storage: database, migrate: true, program: 'collect' });
  const using = async <T>(work: (storage: Storage) => Promise<T>): Promise<T> => {
    const storage = await connect();
    try {
      return await work(storage);
    } finally {
      await storage.close();
    }
  };
  const visit = async (away = false): Promise<void> => {
    const result = await fleet.collect(clients, {
      open: opens,
      transportFor: () => agent.transport,
      openStorage: away ? () => storageAway('gone') : connect,
    });
    said.push(...result.faults, ...result.failures);
  };
  const retire = async (force: boolean, paths = opener): Promise<void> => {
    const key = listKeys(paths, opens).find((listed) => !listed.seals);
    if (key === undefined) return;
    for (const name of ['keys', 'publicKeys'] as const) copyAll(paths[name], backup[name]);
    const use = await using(({ sealed }) => sealed.useOf(key.id));
    try {
      retireKey({ paths, id: key.id, opens, use, clients, except: [], force, nowMs: Date.now() });
      if (force) given.add(key.id);
    } catch (thrown) {
      assert.ok(!force && thrown instanceof FleetError && thrown.code === 'key-in-use', String(thrown));
    }
  };
  const importAll = (from: string): void => {
    for (const name of readdirSync(from)) importPublicKey(collector, path.join(from, name), Date.now());
  };
  const open = async (): Promise<void> => {
    if (opens) return;
    const config = makeConfig(opener.dir, clients);
    const signal = new AbortController().signal;
    const observe = (): void => undefined;
    const made = await ingestRun({ config, openStorage: connect, signal, observe, now: Date.now, host: 'opener' });
    said.push(...made.faults);
  };
  generateKey(opener, Date.now());
  if (!opens) importAll(opener.publicKeys);

  const steps = {
    visit: () => visit(),
    away: () => visit(true),
    alone: () => void agent.sealAlone(),
    rotate: () => void rotateKeys(opener, Date.now()),
    import: () => {
      if (!opens) importAll(opener.publicKeys);
    },
    open,
    retire: () => retire(false),
    force: () => retire(true),
    retirePublic: () => (opens ? undefined : retire(false, collector)),
    forcePublic: () => (opens ? undefined : retire(true, collector)),
  };
  return {
    agent,
    given,
    steps,
    /** Transfers and opens every report as far as possible. */
    settle: async () => {
      steps.import();
      await visit();
      await open();
    },
    /** Returns the ids of reports without a row. Fails if a report has two rows. */
    missing: async (what: string): Promise<readonly string[]> => {
      const both = 'SELECT report_id FROM stats UNION ALL SELECT report_id FROM inventory_reports';
      const found = await using(({ history }) => history.query(both));
      const ids = found.map((row) => String(row['report_id']));
      assert.equal(new Set(ids).size, ids.length, `${what}: a report is there twice`);
      return [...agent.sealed].filter((id) => !ids.includes(id));
    },
    /** Returns the messages about each report without a row. */
    notified: () => notifiedOf(),
    /** Restores the retired keys from the backup, and moves the files out of quarantine. */
    bringBack: () => {
      copyAll(backup.keys, opener.keys);
      if (!opens) importAll(backup.publicKeys);
      for (const file of quarantined(collector.encryptedStats)) {
        renameSync(file, path.join(path.dirname(file), '..', path.basename(file)));
      }
    },
    end: () => fleet.remove(),
  };

  function notifiedOf(): ReadonlyMap<string, string> {
    const ofReport = new Map<string, string>();
    const retired = said.filter(({ code }) => code === 'seal-no-key').map(({ message }) => message ?? '');
    for (const id of agent.waiting())
      ofReport.set(id, retired.findLast((text) => text.includes('on the client')) ?? '');
    for (const file of quarantined(collector.encryptedStats)) {
      const facts = JSON.parse(readFileSync(file.replace(/\.fhs$/, '.json'), 'utf8')) as Record<string, string>;
      ofReport.set(facts['report_id'] ?? '', `${facts['code']} ${facts['message']}`);
    }
    const inDatabase = retired.findLast((text) => text.includes('in the database'));
    if (inDatabase !== undefined) for (const id of agent.sealed) if (!ofReport.has(id)) ofReport.set(id, inDatabase);
    return ofReport;
  }
}

function copyAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  if (!existsSync(from)) return;
  for (const name of readdirSync(from)) copyFileSync(path.join(from, name), path.join(to, name));
}

function quarantined(dir: string): readonly string[] {
  const names = namesBelow(dir, '.fhs').filter((name) => path.basename(path.dirname(name)) === 'quarantine');
  return names.map((name) => path.join(dir, name));
}
