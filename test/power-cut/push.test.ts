import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';

import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { receiveVisit } from '../../src/collector/receive/receive-visit.ts';
import { pushMarker } from '../../src/seal/push.ts';
import { generateKeyPair } from '../../src/seal/key-pair.ts';
import { makeClient, makeConfig, makeFleet } from '../support/fleet.ts';
import { pushedStream } from '../support/pushed-stream.ts';
import { sealedSample } from '../support/sealed-report.ts';
import { tryEveryCut } from './every-cut.ts';

const web = makeClient('web-1', { arrival: { kind: 'comes', everyMs: 300_000 } });

test('a pushed report that was acknowledged becomes one row after every power cut', async () => {
  const fleet = makeFleet();
  const tried = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      const config = makeConfig(fleet.stateDir, [web]);
      const receiver = await openReceiver(config, Date.now());
      const { id, publicKey } = receiver.keyRing.sealing;
      const key = { ...generateKeyPair(), id, publicKey };
      const sealed = [1, 2].map(() => sealedSample({ key, inside: { client: 'web-1' } }).sealed);
      const input = new PassThrough();
      const output = new Writable({
        write: (chunk: Buffer, _, done) => {
          if (chunk.length === 16 && !chunk.equals(pushMarker)) promise(`report ${chunk.toString('hex')}`);
          done();
        },
      });
      input.end(pushedStream({ sealed }));
      const { signal } = new AbortController();
      const { fault } = await receiveVisit({ receiver, config, client: web, input, output, signal, now: Date.now });
      assert.equal(fault, null);
    },
    recover: async () => {
      await fleet.collect([web]);
      const ids = await fleet.column('SELECT report_id FROM stats');
      const kept = ids.map((id) => `report ${String(id).replaceAll('-', '')}`);
      return { kept, wrong: fleet.sealedFiles() };
    },
  });
  assert.ok(tried.promises === 2 && tried.remains > 20, JSON.stringify(tried));
});
