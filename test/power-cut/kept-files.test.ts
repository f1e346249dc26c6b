import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import { listSpool, readSpooled } from '../../agent/spool/spool.ts';
import { keepReport, openVisit, type Visit } from '../../agent/spool/visit.ts';
import { keyOf } from '../../src/cli/push/enrolment-keys.ts';
import { loadKeyRing } from '../../src/collector/keys/key-ring.ts';
import { protocolVersion, type AgentRequest } from '../../src/report/wire.ts';
import { Quarantine } from '../../src/collector/sealed-reports/quarantine.ts';
import { openSealedSpool } from '../../src/collector/sealed-reports/sealed-spool.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { senderOfSite } from '../../src/report/seal/push.ts';
import { loadCollectorId } from '../../src/state-folder/collector-id.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { pushKeyFinder } from '../../src/state-folder/push-keys.ts';
import { writeStreamed } from '../../src/state-folder/streamed-file.ts';
import { namesBelow } from '../support/names-below.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { tryEveryCut } from './every-cut.ts';

const { signal } = new AbortController();

const request: AgentRequest = {
  ...{ v: protocolVersion, kind: 'visit', client: 'web-1', collector: 'collector', run: 'run', marker: '', key: '' },
  ...{ options: {}, deadlineMs: 1000, maxFrames: 100, maxBytes: 1024 * 1024 },
};

test('a report in the spool of a client is whole after every power cut', async () => {
  const dir = tempFolder();
  const root = path.join(dir, 'home', '.local', 'state', 'fleet-health');
  const open = (): Visit => openVisit(request, [root], { machine: 'machine', collector: 'collector' }, true);
  const promises = await tryEveryCut({
    dir,
    run: (promise) => {
      const visit = open();
      for (const at of [1, 2]) {
        const { reportId, sealed } = sealedSample({ key: generateKeyPair(), inside: { client: 'web-1' } });
        keepReport(visit, reportId, sealed, Date.now() + at);
        assert.equal(visit.spoolError, null);
        promise(reportId);
      }
      return Promise.resolve();
    },
    recover: () => {
      const spooled = listSpool(open().dirs);
      const [whole, torn] = [[], []] as [string[], string[]];
      for (const one of spooled) {
        (readSpooled(one, ['web-1'], 1024 * 1024) instanceof Buffer ? whole : torn).push(one.id);
      }
      return Promise.resolve({ kept: whole, wrong: torn });
    },
  });
  assert.equal(promises, 2);
});

test('a key that a client or a site was told works after every power cut', async () => {
  const dir = tempFolder();
  const paths = statePaths(path.join(dir, 'state'));
  const senders = ['web-1', 'web-2', senderOfSite('fra')];
  const promises = await tryEveryCut({
    dir,
    run: async (promise) => {
      for (const sender of senders) promise(`${sender} ${await keyOf({ signal }, paths, sender, false)}`);
      promise(`web-1 ${await keyOf({ signal }, paths, 'web-1', false)}`);
    },
    recover: () => {
      const find = pushKeyFinder(paths.pushKeys);
      return Promise.resolve({ kept: senders.map((sender) => `${sender} ${find(sender)?.toString('base64url')}`) });
    },
  });
  assert.equal(promises, 4);
});

test('the key that clients seal to, and the id of the collector, are the same after every power cut', async () => {
  const dir = tempFolder();
  const paths = statePaths(path.join(dir, 'state'));
  const read = (): readonly string[] => [
    `key ${loadKeyRing(paths, Date.now()).sealing.id}`,
    `id ${loadCollectorId(paths.collectorId)}`,
  ];
  const promises = await tryEveryCut({
    dir,
    run: (promise) => {
      read().forEach(promise);
      return Promise.resolve();
    },
    recover: () => Promise.resolve({ kept: read() }),
  });
  assert.equal(promises, 2);
});

test('a file that is written piece by piece is the earlier or the whole new one after every power cut', async () => {
  const dir = tempFolder();
  const file = path.join(dir, 'fleet.prom');
  const [before, fresh] = ['before '.repeat(200), 'fresh '.repeat(200)];
  writeFileSync(file, before);
  const promises = await tryEveryCut({
    dir,
    run: async (promise) => {
      promise('whole');
      await writeStreamed({ file, mode: 0o644, chunks: Readable.from([fresh.slice(0, 700), fresh.slice(700)]) });
    },
    recover: () => {
      const isWhole = [before, fresh].includes(readFileSync(file, 'utf8'));
      return Promise.resolve({ kept: isWhole ? ['whole'] : [] });
    },
  });
  assert.equal(promises, 1);
});

test('a report that is moved to quarantine is in the spool or there, whole, after every power cut', async () => {
  const dir = tempFolder();
  const spool = openSealedSpool(path.join(dir, 'encrypted_stats'));
  const find = async (): Promise<readonly string[]> => {
    const { reports, quarantines } = await spool.scan();
    const moved = quarantines.flatMap((place) => namesBelow(place, '.fhs').map((name) => path.join(place, name)));
    return [...reports.map(({ file }) => file), ...moved];
  };
  const promises = await tryEveryCut({
    dir,
    run: async (promise) => {
      const sealed = Buffer.from('damaged '.repeat(200));
      const report = await spool.add({ client: 'web-1', reportId: 'one', sealed, receivedAtMs: 0, clock: null });
      promise(sealed.toString());
      const quarantine = new Quarantine({ places: [], setAside: '/nowhere', nowMs: 0, keepMs: 1000 });
      quarantine.add(report, 'web-1', { code: 'seal-corrupt', message: 'damaged', atMs: 0 });
    },
    recover: async () => ({ kept: [...new Set((await find()).map((file) => readFileSync(file, 'utf8')))] }),
  });
  assert.equal(promises, 1);
});
