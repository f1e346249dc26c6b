import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import type { PassOptions } from '../../../src/collector/collect-options.ts';
import { prepareStorage } from '../../../src/collector/pass/prepare-storage.ts';
import { runStart } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('opening and reading have the time limit, migrations have none, and the run goes on without it', async (t) => {
  let limitMs: number | null = 0;
  const limits: Record<string, number | null> = {};
  const note = (step: string): void => void (limits[step] = limitMs);
  const clientFacts = (): Promise<ReadonlyMap<string, never>> => {
    note('reading');
    return Promise.resolve(new Map<string, never>());
  };
  const openStorage: PassOptions['openStorage'] = ({ onMigrating }) => {
    note('opening');
    onMigrating();
    note('migrating');
    return Promise.resolve({ reports: { clientFacts } } as never);
  };
  const { signal } = new AbortController();
  const time = { signal, endIn: (ms: number | null) => void (limitMs = ms), explain: () => assert.fail() };
  const pass = {
    ...{ openStorage, start: runStart({}), paths: { journal: path.join(tempFolder(t), 'journal') } },
    ...{ keyRing: { opening: null }, observe: () => undefined },
  } as unknown as PassOptions;
  const given = { prepareMs: 9000, replayMs: 4000 };
  const { facts } = await prepareStorage({ pass, time, limits: given, onFault: assert.fail });
  note('visiting');
  assert.deepEqual(limits, { opening: 9000, migrating: null, reading: 9000, visiting: null });
  assert.equal(facts?.size, 0);
});
