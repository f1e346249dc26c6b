import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { openSealedSpool, type SealedSpool } from '../../../src/collector/sealed-reports/sealed-spool.ts';
import { mostOfSite } from '../../../src/collector/sealed-reports/scan-spool.ts';
import { boundSpool, maxFilesOfClient } from '../../../src/collector/sealed-reports/spool-bound.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();

const arrived = (number: number) => ({
  client: 'web-1',
  reportId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  sealed: Buffer.alloc(5000),
  receivedAtMs: 1,
  clock: null,
});

test('beyond the bound nothing is taken, and what goes makes room, what earlier runs left included', async () => {
  const dir = path.join(root, 'spool');
  const spool = openSealedSpool(dir);
  for (const number of [1, 2]) await spool.add(arrived(number));
  const { reports } = await spool.scan();
  // Each file takes two blocks.
  const bounded = boundSpool({ spool, dir, maxBytes: 3 * 8192 + 8191, leftovers: reports });
  const third = await bounded.add(arrived(3));
  const full = { name: 'FleetError', code: 'spool-full', stage: 'spool', client: 'web-1' };
  await assert.rejects(bounded.add(arrived(4)), full);
  const advice = 'Bring the database back, or raise <collector spool>; reports stay on the clients meanwhile.';
  const message = `${dir}: 32KiB of sealed reports wait for the database, the limit of <collector spool>`;
  await assert.rejects(bounded.add(arrived(4)), { message, advice });
  const atSite = boundSpool({ spool, dir, maxBytes: 8192, leftovers: reports, isSite: true });
  await assert.rejects(atSite.add(arrived(4)), { message: /wait for the link/, advice: /^Bring the link back/ });
  bounded.remove(third);
  await bounded.add(arrived(4));
  await assert.rejects(bounded.add(arrived(5)), full);
  for (const report of reports) bounded.remove(report);
  await bounded.add(arrived(5));
  assert.equal((await spool.scan()).reports.length, 2);
});

test('one client fills its share, and what the others send is still taken', async () => {
  const dir = path.join(root, 'share');
  const spool = openSealedSpool(dir);
  const maxBytes = 20 * 1024 * 1024;
  const large = (number: number) => ({ ...arrived(number), client: 'evil', sealed: Buffer.alloc(1024 * 1024) });
  for (let number = 100; number < 116; number++) await spool.add(large(number));
  const bounded = boundSpool({ spool, dir, maxBytes, leftovers: (await spool.scan()).reports });
  await assert.rejects(bounded.add({ ...arrived(3), client: 'evil' }), {
    code: 'spool-full',
    message: 'evil: 16MiB of its sealed reports wait, the share of one client',
    advice: 'Bring the database back, or raise <collector spool>; its reports stay on the client meanwhile.',
  });
  await bounded.add(arrived(4));
});

const block = 4096;

/** Returns a bounded spool in memory, which refuses reports of `broken`. */
function inMemory(maxBytes: number) {
  const removed: number[] = [];
  const spool = {
    add: ({ client, reportId }: ReturnType<typeof arrived>) =>
      client === 'broken'
        ? Promise.reject(new Error('broken'))
        : Promise.resolve({
            client,
            origin: null,
            file: path.join(root, 'm', client, reportId),
            receivedAtMs: 1,
            clock: null,
          }),
    remove: (_: unknown, bytes: number) => void removed.push(bytes),
  } as unknown as SealedSpool;
  return { bounded: boundSpool({ spool, dir: path.join(root, 'm'), maxBytes, leftovers: [] }), removed };
}
const sized = (number: number, bytes: number, client = 'web-1') => ({
  ...arrived(number),
  client,
  sealed: Buffer.alloc(bytes),
});

test('a spool is full beyond its last byte, and a report that was not written takes no room', async () => {
  const { bounded, removed } = inMemory(3 * block);
  await assert.rejects(bounded.add(sized(1, 3 * block, 'broken')), /broken/);
  assert.equal(bounded.waitingBytes(), 0);
  const first = await bounded.add(sized(1, 2 * block));
  await bounded.add(sized(2, block));
  assert.equal(bounded.waitingBytes(), 3 * block);
  await assert.rejects(bounded.add(sized(3, 1)), { code: 'spool-full' });
  bounded.remove(first);
  bounded.remove(first);
  assert.deepEqual([bounded.waitingBytes(), removed], [block, [2 * block, 0]], 'a report goes once');
});

test('a client has its share to the last byte, of what this run takes too, and gets it back', async () => {
  const share = 16 * 2 ** 20;
  const { bounded } = inMemory(4 * share);
  const first = await bounded.add(sized(1, share - block));
  await bounded.add(sized(2, block));
  await assert.rejects(bounded.add(sized(3, 1)), /16MiB of its sealed reports wait, the share of one client/);
  await bounded.add(sized(4, share, 'web-2'));
  bounded.remove(first);
  await bounded.add(sized(5, share - block));
});

test('the share of a client is an eighth of a large spool', async () => {
  const eighth = 32 * 2 ** 20;
  const { bounded } = inMemory(8 * eighth);
  await bounded.add(sized(1, eighth));
  await assert.rejects(bounded.add(sized(2, 1)), /32MiB of its sealed reports wait, the share of one client/);
  await bounded.add(sized(3, eighth, 'web-2'));
});

test('a client has a number of reports too, however small, and a site a number of all of its clients', async () => {
  const uses = new Map([
    [path.join(root, 'n', 'web-1'), { files: maxFilesOfClient, bytes: block }],
    [path.join(root, 'i', 'site-fra', 'web-1'), { files: mostOfSite(0), bytes: block }],
  ]);
  const spool = openSealedSpool(path.join(root, 'n'), path.join(root, 'i'));
  const bounded = boundSpool({
    spool,
    dir: path.join(root, 'n'),
    inbox: path.join(root, 'i'),
    maxBytes: 2 ** 30,
    uses,
  });
  await assert.rejects(bounded.add(sized(1, 1)), {
    code: 'spool-full',
    message: 'web-1: 4096 of its sealed reports wait, the most of one client',
    advice: 'Bring the database back; its further reports stay where they are meanwhile.',
  });
  await bounded.add(sized(1, 1, 'web-2'));
  await assert.rejects(bounded.add({ ...sized(1, 1, 'web-2'), origin: 'site-fra' }), {
    message: 'site-fra: 20000 of its sealed reports wait, the most of one site',
  });
  await bounded.add({ ...sized(1, 1, 'web-2'), origin: 'site-ber' });
});
