import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { explainClient, type ClientExplained } from '../../../../src/alerter/explain/explain-client.ts';
import { explainFleet, type FleetExplained } from '../../../../src/alerter/explain/explain-fleet.ts';
import type { Config } from '../../../../src/config/config.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import type { Alert, RuleState } from '../../../../src/storage/store/alert.ts';
import type { NewForecasts } from '../../../../src/storage/store/evaluation-store.ts';
import type { NewNotifications } from '../../../../src/storage/store/notification-store.ts';
import type { Storage } from '../../../../src/storage/store/storage.ts';
import { sqliteConfig } from '../../../storage/support/sqlite-config.ts';
import { makeMigrated } from '../../../support/databases/migrated.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { configOf } from '../../support/config-of.ts';

export const nowMs = Date.now();
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

export interface Stored {
  readonly alerts?: readonly Alert[];
  readonly notifications?: Partial<NewNotifications>;
  readonly ruleStates?: Readonly<Record<string, RuleState>>;
  readonly forecasts?: NewForecasts;
}

export interface StoredFleet {
  readonly config: Config;
  readonly storage: Storage;
  readonly store: (what: Stored) => Promise<void>;
  readonly client: (name: string, isWanted?: (rule: string) => boolean) => Promise<ClientExplained>;
  readonly fleet: () => Promise<FleetExplained>;
}

/** Opens an empty database for a config.xml with these elements. */
export async function storedFleet(t: TestContext, elements: string): Promise<StoredFleet> {
  const own = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  await makeMigrated(own);
  const storage = await openStorage({ storage: own, migrate: true, program: 'change' });
  t.after(() => storage.close());
  const config = configOf(elements);
  const options = { config, storage, nowMs, firstPass: false };
  return {
    config,
    storage,
    store: async ({ alerts = [], notifications = {}, ruleStates = {}, forecasts }) => {
      const lease = (await storage.leases.takeLease('alerter', 'a test')) ?? assert.fail('the lease is taken');
      const processed = { statIds: [], visitIds: [], alerts, ruleStates: new Map(Object.entries(ruleStates)) };
      await storage.evaluation.saveProcessed(lease, {
        ...processed,
        ...(forecasts === undefined ? {} : { forecasts }),
      });
      const nothing = { mails: [], notified: [], closedOut: [] };
      await storage.notifications.saveNotifications(lease, { ...nothing, ...notifications });
      await storage.leases.releaseLease(lease);
    },
    client: (name, isWanted = () => true) => {
      const client = config.clients.find((one) => one.name === name) ?? assert.fail(name);
      return explainClient({ ...options, client, isWanted });
    },
    fleet: () => explainFleet({ ...options, isWanted: () => true }),
  };
}
