// Second tier: each cut of a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { documentName } from '../../src/collector/inbox/document-files.ts';
import { EventDocuments } from '../../src/collector/inbox/event-documents.ts';
import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { receiveSiteFile } from '../../src/collector/receive/receive-site-file.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { idFrom, siteId } from '../../src/state-folder/collector-id.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { madeEvent } from '../collector/events/support/event-samples.ts';
import { runEnd, runStart, visit } from '../storage/support/samples.ts';
import { makeClient, makeConfig, makeFleet } from '../support/fleets/fleet.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import { afterNextRun } from './after-next-run.ts';
import { tryEveryCut } from './every-cut.ts';

const clients = [makeClient('site-1', { arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } })];
const nowMs = Date.now();

test('events that were received are rows after every power cut', async () => {
  const fleet = makeFleet();
  const promises = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      const events = new EventDocuments(statePaths(fleet.stateDir), assert.fail);
      for (const ids of [['1', '2'], ['3']]) {
        await events.write(ids.map((id) => madeEvent(id)));
        for (const id of ids) promise(`event ${id}`);
      }
      const storage = await fleet.openStorage();
      try {
        await events.takeUp((some) => storage.events.saveEvents(some));
      } finally {
        await storage.close();
      }
    },
    recover: () => afterNextRun(fleet, clients),
  });
  assert.equal(promises, 3);
});

test('the files of a site that were acknowledged become rows after every power cut', async () => {
  const fleet = makeFleet();
  const promises = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      const config = makeConfig(fleet.stateDir, clients);
      const receiver = await openReceiver(config, nowMs);
      const { id, publicKey } = receiver.keyRing.sealing;
      const put = async (folder: string, name: string, body: Buffer, ...promises: readonly string[]): Promise<void> => {
        assert.equal(await receiveSiteFile({ receiver, config, site: 'fra', folder, name, body }), null);
        promises.forEach(promise);
      };
      const inside = { client: 'site-1' };
      const { reportId, sealed } = sealedSample({ key: { ...generateKeyPair(), id, publicKey }, inside });
      await put('site-1', `${reportId}.${nowMs}.-.-.-.fhs`, sealed, `report ${reportId}`);
      const start = runStart({ id: idFrom('run'), startedAtMs: nowMs, collectorId: siteId('fra') });
      const run = { start, end: runEnd(start, { finishedAtMs: nowMs }) };
      const visits = [visit({ runId: start.id, client: 'site-1', startedAtMs: nowMs })];
      const document = Buffer.from(JSON.stringify({ run, visits }));
      const stored = idFrom(`fra ${start.id}`);
      await put('collector', documentName(nowMs, start.id), document, `run ${stored}`, `visit ${stored}`);
      await fleet.collect(clients);
    },
    recover: () => afterNextRun(fleet, clients),
  });
  assert.equal(promises, 3);
});
