/** State reports that a machine makes by itself: it decides when, and keeps the stamp of the last one. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { listSpool } from '../../agent/spool/spool.ts';
import { stampOf, watchName } from '../../agent/spool/stamp.ts';
import { openOwnVisit } from '../../src/agent-program/push/own-visit.ts';
import { makeOwnState } from '../../src/agent-program/push/rare-reports.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import { dayMs, hourMs } from '../../src/platform/units.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import type { StateParts } from '../../src/report/state/state-due.ts';
import { openReport } from '../../src/report/seal/open.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { tempFolder } from '../support/temp-folder.ts';

const key = generateKeyPair();
/** The noon of a day, so that attempts an hour later are of the same day. */
const noon = Date.UTC(2026, 10, 20, 12);

function laptop(t: TestContext) {
  const dir = tempFolder(t);
  const file = path.join(dir, 'agent.json');
  const content = {
    client: 'laptop',
    collector: randomUUID(),
    publicKey: Buffer.from(key.publicKey).toString('base64url'),
    pushKey: Buffer.alloc(32, 7).toString('base64url'),
    push: { to: 'ssh://nobody@collector.invalid', every: '5m' },
    state_directory: path.join(dir, 'state'),
    options: {},
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const settings = readSettings(file);
  assert.ok(settings.enrolment !== null);
  const own = openOwnVisit(settings, settings.enrolment);
  const [place = ''] = own.visit.dirs;
  const kept = path.join(place, 'state.json');
  const watched = path.join(dir, 'watched');
  /** Changes the record of the last attempt. */
  const edit = (change: object): void => {
    const last = JSON.parse(readFileSync(kept, 'utf8')) as object;
    writeFileSync(kept, JSON.stringify({ ...last, ...change }), { mode: 0o600 });
  };
  return {
    own,
    watched,
    /** Watches a file of this test in place of /etc, where other tests add accounts. */
    watchOwn: (): void => {
      writeFileSync(path.join(place, watchName), watched, { mode: 0o600 });
      edit({ stateStamp: stampOf(place) });
    },
    make: (nowMs: number, parts: StateParts = 'no-files', bootId = own.bootId) =>
      makeOwnState({ ...own, bootId }, parts, nowMs),
    edit,
    damage: (): void => writeFileSync(kept, '{', { mode: 0o600 }),
    reports: () =>
      readdirSync(place)
        .filter((name) => name.endsWith('.fhs'))
        .sort()
        .map((name) => {
          const { plaintext } = openReport(readFileSync(path.join(place, name)), new Map([[key.id, key]]));
          return parseReport(plaintext);
        }),
    spooled: () => listSpool(own.visit.dirs).length,
  };
}

test('a state report is spooled, sealed, and another one waits for a change', async (t) => {
  const { make, spooled, reports, watchOwn, watched } = laptop(t);
  assert.equal(await make(noon), true);
  const [report] = reports();
  assert.equal(report?.name, 'State report');
  const kinds = report.sections?.map(({ kind }) => kind);
  assert.deepEqual(kinds, ['package', 'unit', 'account', 'listener', 'mount', 'system']);
  watchOwn();
  assert.equal(await make(noon + hourMs), false);
  assert.equal(spooled(), 1);
  writeFileSync(watched, 'changed');
  assert.equal(await make(noon + hourMs), true);
});

test('a state report is due with another stamp, after a boot and on another day, but twelve times a day', async (t) => {
  const { make, edit, damage, watchOwn } = laptop(t);
  assert.equal(await make(noon), true);
  edit({ stateStamp: 'another' });
  assert.equal(await make(noon + 1, 'no'), false);
  assert.equal(await make(noon + 1), true);
  watchOwn();
  assert.equal(await make(noon + 2), false);
  edit({ bootId: 'another' });
  assert.equal(await make(noon + 3), true);
  edit({ stateStamp: 'another', stateRuns: 12 });
  assert.equal(await make(noon + 4), false);
  assert.equal(await make(noon + dayMs), true);
  damage();
  assert.equal(await make(noon + dayMs + 1), true);
});
