import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import { createRunFaults, storageFault } from '../../../src/collector/run/run-faults.ts';
import { FleetError, type ErrorCode } from '../../../src/platform/errors/errors.ts';

const faultOf = (code: ErrorCode, message: string = code): FleetError =>
  new FleetError({ code, stage: 'spool', message });

test('a fault of the run is told once for each code, as the limits of the storage explain it', () => {
  const told: CollectEvent[] = [];
  const explain = (fault: FleetError): FleetError => (fault.message === 'slow' ? faultOf('storage-failed') : fault);
  const { all, add } = createRunFaults((event) => told.push(event), { explain });
  const [full, again, slow, other] = [
    faultOf('spool-full'),
    faultOf('spool-full', 'another file'),
    faultOf('internal', 'slow'),
    faultOf('storage-failed', 'gone'),
  ];
  for (const fault of [full, again, slow, other]) add(fault);
  assert.deepEqual(
    all.map(({ code, message }) => [code, message]),
    [
      ['spool-full', 'spool-full'],
      ['storage-failed', 'storage-failed'],
    ],
  );
  assert.deepEqual(
    told,
    all.map((fault) => ({ kind: 'fault', fault })),
  );
});

test('an error of the storage that has no code is storage-failed; one with a code keeps it', () => {
  const { code, stage } = storageFault(new Error('gone'));
  assert.deepEqual([code, stage], ['storage-failed', 'storage']);
  const denied = new FleetError({ code: 'storage-denied', stage: 'storage', message: 'no' });
  assert.equal(storageFault(denied), denied);
});
