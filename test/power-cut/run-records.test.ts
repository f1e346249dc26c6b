// Second tier: each cut of a record.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { documentsOf } from '../../src/collector/inbox/origins.ts';
import { runDocuments } from '../../src/collector/inbox/run-documents.ts';
import { idFrom } from '../../src/state-folder/collector-id.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { runEnd, runStart, visit } from '../storage/support/samples.ts';
import { makeFleet } from '../support/fleets/fleet.ts';
import { afterNextRun } from './after-next-run.ts';
import { tryEveryCut } from './every-cut.ts';

const nowMs = Date.now();

test('the records of a run without a database become rows after every power cut, and its end stays', async () => {
  const fleet = makeFleet();
  const promises = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      const start = runStart({ id: idFrom('run'), startedAtMs: nowMs });
      const documents = runDocuments(documentsOf(statePaths(fleet.stateDir), { kind: 'collector' }), start);
      documents.begin();
      promise(`run ${start.id}`);
      await documents.visits([visit({ runId: start.id, startedAtMs: nowMs })]);
      promise(`visit ${start.id}`);
      documents.end(runEnd(start));
      promise(`finished run ${start.id}`);
      await fleet.collect([]);
      for (const id of await fleet.column("SELECT id FROM runs WHERE outcome = 'finished'")) {
        promise(`finished run ${String(id)}`);
      }
    },
    recover: () => afterNextRun(fleet, []),
  });
  assert.equal(promises, 5);
});
