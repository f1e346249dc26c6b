import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';

import type { DeliveryOutcome } from '../../../src/alerter/alert-options.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { NewNotifications } from '../../../src/storage/store/notification-store.ts';
import type { RunStart } from '../../../src/storage/store/run.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';
import { configFolder, exits, runCli, succeeded, type CliResult } from '../../support/run-cli.ts';

/** A folder with a config.xml and a database in which alerts are open. */
export interface AlertFolder {
  readonly dir: string;
  /** The program in that folder; $USER is ann. */
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** Its one JSON document. */
  readonly json: (...args: readonly string[]) => Promise<Record<string, unknown>>;
  /** Returns its output. Asserts exit status 0 and an empty stderr. */
  readonly said: (...args: readonly string[]) => Promise<string>;
  /** Asserts that it refuses the command line with these words. */
  readonly refused: (args: readonly string[], words: RegExp) => Promise<void>;
  /** The alerts of `alerts`. */
  readonly alerts: (...args: readonly string[]) => Promise<readonly ShownAlert[]>;
  readonly store: <T>(work: (storage: Storage) => Promise<T>) => Promise<T>;
  /** Delivers as many mails as there are outcomes, those first that are due first. */
  readonly deliver: (...outcomes: readonly DeliveryOutcome[]) => Promise<void>;
  /** Stores a full run that has finished. Returns its id. */
  readonly ran: (start: Partial<RunStart>) => Promise<string>;
}

export interface ShownAlert {
  readonly id: number;
  readonly client: string;
  readonly state: string;
  readonly acknowledged: { readonly by: string; readonly until: string | null; readonly comment: string | null } | null;
  readonly told: readonly Record<string, string>[];
  readonly held_by: readonly { readonly kind: string; readonly silence: number | null }[];
}

export interface AlertFolderOptions {
  readonly config: string;
  readonly alerts?: readonly Alert[];
  readonly telling?: Partial<NewNotifications>;
  readonly env?: Readonly<Record<string, string>>;
}

export async function alertFolder(t: TestContext, options: AlertFolderOptions): Promise<AlertFolder> {
  const { config, alerts = [], telling = {}, env = {} } = options;
  const dir = configFolder(t, config);
  const file = path.join(dir, 'config.xml');
  const store: AlertFolder['store'] = async (work) => {
    const storage = await openStorage({ storage: loadConfig({ file }).storage, migrate: true });
    try {
      return await work(storage);
    } finally {
      await storage.close();
    }
  };
  await store(async ({ alerts: alertStore }) => {
    const lease = await alertStore.takeLease('alert', 'a test');
    if (lease === null) throw new Error('somebody else holds the lease');
    await alertStore.saveProcessed(lease, { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
    await alertStore.saveNotifications(lease, { mails: [], notified: [], closedOut: [], ...telling });
    await alertStore.releaseLease(lease);
  });
  const run: AlertFolder['run'] = (...args) => runCli(args, { cwd: dir, env: { USER: 'ann', ...env } });
  const json: AlertFolder['json'] = async (...args) =>
    JSON.parse((await run('--json', ...args)).stdout) as Record<string, unknown>;
  return {
    dir,
    run,
    json,
    said: (...args) => succeeded(run(...args)),
    refused: (args, words) => exits(2, run(...args), words),
    alerts: async (...args) => (await json('alerts', ...args))['alerts'] as readonly ShownAlert[],
    store,
    deliver: (...outcomes) => store((storage) => deliver(storage, outcomes)),
    ran: (options) =>
      store(async ({ reports }) => {
        const start = runStart(options);
        await reports.endRun(start, runEnd(start));
        return start.id;
      }),
  };
}

async function deliver({ alerts }: Storage, outcomes: readonly DeliveryOutcome[]): Promise<void> {
  const due = await alerts.dueMails(outcomes.length);
  assert.equal(due.length, outcomes.length);
  for (const [index, outcome] of outcomes.entries()) {
    const id = due[index]?.id ?? 0;
    assert.ok(await alerts.claimMail(id, 'a test', 60_000));
    if (outcome.kind === 'sent') await alerts.markSent(id, 'a test');
    if (outcome.kind === 'put-off') await alerts.markPutOff(id, 'a test', 60_000, outcome.error);
    if (outcome.kind === 'refused') await alerts.markFailed(id, 'a test', outcome.error);
  }
}

const hourMs = 3_600_000;

/** Fires since two hours ago. */
export function firing(options: Partial<Alert> = {}): Alert {
  const sinceMs = Date.now() - 2 * hourMs;
  const progress = { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: Date.now() };
  const since = { pendingSinceMs: sinceMs, firingSinceMs: sinceMs, progress };
  return alert({ subject: '/var', changedByRun: null, ...since, ...options });
}

/** Ended a quarter of an hour ago. */
export function ended(options: Partial<Alert> = {}): Alert {
  return firing({ state: 'resolved', resolvedAtMs: Date.now() - hourMs / 4, closedReason: 'recovered', ...options });
}
