import assert from 'node:assert/strict';

import { EventDocuments } from '../../src/collector/inbox/event-documents.ts';
import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { madeEvent } from '../collector/events/support/event-samples.ts';
import { makeClient, makeConfig, makeFleet, type Fleet } from '../support/fleets/fleet.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';

export const clients = [makeClient('web-1', { arrival: { kind: 'comes', everyMs: 300_000 } })];
const reportId = '00000000-0000-4000-8000-000000000001';
/** The promises that a collector has made that `makeWaiting` returns. */
export const promised = [`report ${reportId}`, 'event 1'];

/** Makes a collector with a report and an event that wait, and a database without rows. */
export async function makeWaiting(): Promise<Fleet> {
  const fleet = makeFleet();
  const { spool, keyRing } = await openReceiver(makeConfig(fleet.stateDir, clients), Date.now());
  const { id, publicKey } = keyRing.sealing;
  const inside = { client: 'web-1', report_id: reportId };
  const { sealed } = sealedSample({ key: { ...generateKeyPair(), id, publicKey }, inside });
  await spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: Date.now(), clock: null });
  await new EventDocuments(statePaths(fleet.stateDir), assert.fail).write([madeEvent('1')]);
  await (await fleet.openStorage()).close();
  return fleet;
}
