/** The files that a site puts: which names are taken, where they go, and how much of them may wait. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { receiveSiteFile } from '../../../src/collector/receive/receive-site-file.ts';
import { waitingBytes } from '../../../src/collector/receive/receiver.ts';
import type { ArrivedReport } from '../../../src/collector/sealed-reports/sealed-names.ts';
import type { Client } from '../../../src/config/config.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const id = '01234567-89ab-4def-8123-456789abcdef';
const clientOf = (name: string, site: string | null, was: string | null = null) =>
  ({ name, was, state: 'active', arrival: site === null ? { kind: 'comes' } : { kind: 'site', site } }) as Client;
const clients = [clientOf('web-1', 'fra', 'www'), clientOf('db-1', 'ams'), clientOf('laptop', null)];
const root = tempFolder();
let places = 0;

/** Makes a receiver whose documents of the site have this many bytes, or as many as are in its folder. */
function makeReceiver(bytes: number | null = null) {
  const paths = statePaths(path.join(root, String(places++)));
  const added: ArrivedReport[] = [];
  const documentBytes = new Map<string, number>(bytes === null ? [] : [['fra', bytes]]);
  const add = (report: ArrivedReport): Promise<never> => Promise.resolve(added.push(report) as never);
  const receiver = { paths, documentBytes, spool: { add } } as unknown as Parameters<
    typeof receiveSiteFile
  >[0]['receiver'];
  const put = (folder: string, name: string, content = 'sealed'): Promise<string | null> =>
    receiveSiteFile({ receiver, config: { clients }, site: 'fra', folder, name, body: Buffer.from(content) });
  return { paths, added, documentBytes, put, dir: path.join(paths.inbox, 'site-fra', 'collector') };
}

const report = `${id}.1000.-5.7.boot-1.fhs`;
const document = `000000000001000-${id}.000001.json`;

for (const [what, folder, client] of [
  ['a client of the site', 'web-1', 'web-1'],
  ['a former name of one', 'www', 'www'],
] as const) {
  test(`a report in the folder of ${what} goes to the spool, as one of the site`, async () => {
    const { added, put } = makeReceiver();
    assert.equal(await put(folder, report), null);
    const clock = { offsetMs: -5, monotonicZeroMs: 7, bootId: 'boot-1' };
    const sealed = Buffer.from('sealed');
    assert.deepEqual(added, [{ client, origin: 'site-fra', sealed, reportId: id, receivedAtMs: 1000, clock }]);
  });
}

for (const [what, folder, name, refusal] of [
  ['of another site', 'db-1', report, 'config.xml does not give "db-1" to it'],
  ['of no site', 'laptop', report, 'config.xml does not give "laptop" to it'],
  ['of a client that is not known', 'gone', report, 'config.xml does not give "gone" to it'],
  ['in the place of records', 'collector', report, 'config.xml does not give "collector" to it'],
  ['with a name of another form', 'web-1', 'a.fhs', '"a.fhs" is the name of no report and no document'],
  ['that is a record, in the folder of a client', 'web-1', document, `"${document}" is the name of no report and no `],
  ['that is no record, among the records', 'collector', 'a.json', '"a.json" is the name of no report and no document'],
] as const) {
  test(`a file ${what} is refused with the reason, and nothing is written`, async () => {
    const { paths, added, put } = makeReceiver();
    const answer = await put(folder, name);
    assert.ok(answer?.startsWith(refusal), answer ?? 'taken');
    assert.deepEqual([added, existsSync(paths.inbox)], [[], false]);
  });
}

test('an empty file tries the link, whatever its name is', async () => {
  const { paths, added, put } = makeReceiver();
  assert.deepEqual([await put('gone', 'x', ''), await put('collector', document, '')], [null, null]);
  assert.deepEqual([added, existsSync(paths.inbox)], [[], false]);
});

test('a record goes to the folder of the site, and counts as the blocks that it takes', async () => {
  const { documentBytes, put, dir, paths } = makeReceiver();
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, `000000000000999-${id}.json`), 'x'.repeat(4097));
  assert.equal(await waitingBytes(paths, { kind: 'site', site: 'fra' }), 8192);
  assert.equal(await put('collector', document, '{}'), null);
  assert.equal(documentBytes.get('fra'), 8192 + 4096);
  assert.equal(readFileSync(path.join(dir, document), 'utf8'), '{}');
  assert.equal(readdirSync(dir).length, 2);
});

test('a site whose records take 32 MiB brings no more of them, and still reports', async () => {
  const bytes = 32 * 1024 * 1024;
  const below = makeReceiver(bytes - 1);
  assert.equal(await below.put('collector', document, '{}'), null);
  const { added, dir, put } = makeReceiver(bytes);
  await assert.rejects(put('collector', document, '{}'), {
    ...{ name: 'FleetError', code: 'spool-full', stage: 'spool' },
    message: `site fra: ${bytes} bytes of its visits and runs wait to be stored: look at the runs of collect`,
  });
  assert.equal(existsSync(dir), false);
  assert.equal(await put('web-1', report), null);
  assert.equal(added.length, 1);
});
