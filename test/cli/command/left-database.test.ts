import assert from 'node:assert/strict';
import { test } from 'node:test';

import { waitingRuns } from '../../../src/cli/command/left-database.ts';
import { documentsOf } from '../../../src/collector/inbox/origins.ts';
import { runDocuments } from '../../../src/collector/inbox/run-documents.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { notLooked, runEnd, runStart } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('after a first run that could not store, status says that its records wait', (t) => {
  const stateDir = tempFolder(t);
  const folder = documentsOf(statePaths(stateDir), { kind: 'collector' });
  const start = runStart();
  assert.equal(waitingRuns({ stateDir }, null), null);
  runDocuments(folder, start).end(runEnd(start));
  assert.match(
    waitingRuns({ stateDir }, null) ?? '',
    /^No run is in the database yet: its records wait in .*\/inbox\/collector/,
  );
  const stored: RunFact = { ...start, ...runEnd(start), ...notLooked };
  assert.equal(waitingRuns({ stateDir }, stored), null);
});
