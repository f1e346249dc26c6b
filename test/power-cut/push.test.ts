// Second tier: each cut of a push.
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';

import { openReceiver } from '../../src/collector/receive/receiver.ts';
import { receiveVisit } from '../../src/collector/receive/receive-visit.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { makeClient, makeConfig, makeFleet } from '../support/fleets/fleet.ts';
import { acknowledgedIn, pushedStream } from '../support/clients/pushed-stream.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import { afterNextRun } from './after-next-run.ts';
import { tryEveryCut } from './every-cut.ts';

const web = makeClient('web-1', { arrival: { kind: 'comes', everyMs: 300_000 } });

test('a pushed report that was acknowledged becomes one row after every power cut', async () => {
  const fleet = makeFleet();
  const promises = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      const config = makeConfig(fleet.stateDir, [web]);
      const receiver = await openReceiver(config, Date.now());
      const { id, publicKey } = receiver.keyRing.sealing;
      const key = { ...generateKeyPair(), id, publicKey };
      const sealed = [1, 2].map(() => sealedSample({ key, inside: { client: 'web-1' } }).sealed);
      const input = new PassThrough();
      const answer: Buffer[] = [];
      const output = new Writable({
        write: (chunk: Buffer, _, done) => {
          answer.push(chunk);
          for (const reportId of acknowledgedIn(Buffer.concat(answer)).slice(-1)) promise(`report ${reportId}`);
          done();
        },
      });
      input.end(pushedStream({ sealed }));
      const { signal } = new AbortController();
      const { fault } = await receiveVisit({ receiver, config, client: web, input, output, signal, now: Date.now });
      assert.equal(fault, null);
      await fleet.collect([web]);
    },
    recover: () => afterNextRun(fleet, [web]),
  });
  assert.equal(promises, 2);
});
