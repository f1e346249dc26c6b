/** A fleet whose collector has no private key, and the machine that opens the stored reports. */
import { readdirSync } from 'node:fs';
import path from 'node:path';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import { ingestRun, type IngestRunOptions } from '../../../src/collector/run/ingest-run.ts';
import { generateKey } from '../../../src/collector/keys/key-ring.ts';
import { importPublicKey } from '../../../src/collector/keys/public-keys.ts';
import type { Client } from '../../../src/config/config.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { makeConfig, makeFleet, type FleetAgents } from './fleet.ts';
import { tempFolder } from '../temp-folder.ts';

export type SplitFleet = ReturnType<typeof makeSplitFleet>;

export function makeSplitFleet(agents?: FleetAgents) {
  const fleet = makeFleet(agents);
  const collector = statePaths(fleet.stateDir);
  const opener = statePaths(path.join(tempFolder(), 'state'));
  const events: CollectEvent[] = [];
  const { id: keyId } = generateKey(opener, Date.now());
  const copyKeys = (): void => {
    for (const name of readdirSync(opener.publicKeys)) {
      importPublicKey(collector, path.join(opener.publicKeys, name), Date.now());
    }
  };
  copyKeys();
  return {
    fleet,
    collector,
    opener,
    /** The id of the first key. */
    keyId,
    events,
    /** Copies the public halves of the opener's keys to the collector. */
    copyKeys,
    ingest: (clients: readonly Client[], more: Partial<IngestRunOptions> = {}) =>
      ingestRun({
        config: makeConfig(opener.dir, clients),
        openStorage: () => fleet.openStorage(),
        signal: new AbortController().signal,
        observe: (event) => void events.push(event),
        now: () => Date.now(),
        host: 'opener',
        ...more,
      }),
  };
}
