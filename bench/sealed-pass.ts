/** A round of bench/sealed.ts. The only argument is a SealedPassInput as JSON. Prints SealedPassCosts. */
import { createDecipheriv, createHmac, createPublicKey, diffieHellman, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inflateRawSync } from 'node:zlib';

import { createClientNames } from '../src/collector/sealed-reports/client-names.ts';
import { folderOfClient } from '../src/state-folder/client-folder.ts';
import { startIngest } from '../src/collector/ingest/start-ingest.ts';
import { defaultBounds, Quarantine } from '../src/collector/sealed-reports/quarantine.ts';
import { openSealedSpool } from '../src/collector/sealed-reports/sealed-spool.ts';
import { generateKeyPair, privateKeysOf, type KeyPair } from '../src/report/seal/key-pair.ts';
import { conditionOf } from '../src/simulator/condition.ts';
import { planFleet, type FleetPlan } from '../src/simulator/fleet-plan.ts';
import { SimulatedAgent } from '../src/simulator/simulated-agent.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { makeClient } from '../test/support/fleets/fleet.ts';
import { inTemporaryFolder } from './children.ts';
import { dayMs } from '../src/platform/units.ts';
import { openMarks } from '../src/collector/ingest/opening-marks.ts';
import { noTimeLimit } from '../src/collector/ingest/ingest-queue.ts';

export interface SealedPassInput {
  readonly files: number;
}

export interface SealedPassCosts {
  readonly oursMs: number;
  readonly bareMs: number;
}

interface SealedOne {
  readonly client: string;
  readonly id: string;
  readonly bytes: Buffer;
}

/** Seals a report of each client of a simulated fleet. */
function sealFleet(clients: number, key: KeyPair, nowMs: number): SealedOne[] {
  const plan: FleetPlan = { seed: 1, clients, profile: 'clean', port: 22, startedAtMs: nowMs, everyMs: 300_000 };
  const request = {
    v: 1,
    kind: 'visit',
    run: randomUUID(),
    collector: 'bench',
    marker: '',
    key: Buffer.from(key.publicKey).toString('base64url'),
    options: {},
    deadlineMs: 9500,
    maxFrames: 100,
    maxBytes: 8 * 1024 * 1024,
  } as const;
  return planFleet(plan).map((client) => {
    const agent = new SimulatedAgent(plan.seed, client);
    const report = agent.report({ ...request, client: client.name }, conditionOf(plan, client, nowMs), nowMs);
    const id = report.id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    return { client: client.name, id, bytes: report.sealed };
  });
}

const label = (suite: Buffer, text: string): Buffer =>
  Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(text)]);
const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => {
  const one = createHmac('sha256', key);
  for (const part of parts) one.update(part);
  return one.digest();
};
const none = Buffer.alloc(0);
const kem = Buffer.from('4b454d0020', 'hex');
const suite = Buffer.from('48504b45002000010002', 'hex');
const context = Buffer.concat([
  Buffer.of(0),
  hmac(none, label(suite, 'psk_id_hash')),
  hmac(none, label(suite, 'info_hash'), Buffer.from('fleet-health report v1')),
]);
const sharedLabel = Buffer.concat([Buffer.of(0, 32), label(kem, 'shared_secret')]);
const keyLabel = Buffer.concat([Buffer.of(0, 32), label(suite, 'key')]);
const nonceLabel = Buffer.concat([Buffer.of(0, 12), label(suite, 'base_nonce')]);

/**
 * Opens a report by src/report/seal/FORMAT.md without checks beyond those of the primitives: the least possible cost.
 */
function openBare(bytes: Buffer, { privateKey, publicKey }: KeyPair): Buffer {
  const headerEnd = 30 + bytes.readUInt16BE(28);
  const enc = bytes.subarray(headerEnd, headerEnd + 32);
  const theirs = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: enc.toString('base64url') },
    format: 'jwk',
  });
  const dh = diffieHellman({ privateKey, publicKey: theirs });
  const eae = hmac(none, label(kem, 'eae_prk'), dh);
  const shared = hmac(eae, sharedLabel, enc, publicKey, Buffer.of(1));
  const secret = hmac(shared, label(suite, 'secret'));
  const key = hmac(secret, keyLabel, context, Buffer.of(1));
  const nonce = hmac(secret, nonceLabel, context, Buffer.of(1)).subarray(0, 12);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAAD(bytes.subarray(0, headerEnd)).setAuthTag(bytes.subarray(-16));
  const compressed = decipher.update(bytes.subarray(headerEnd + 32, -16));
  decipher.final();
  return inflateRawSync(compressed);
}

async function storeFiles(dir: string, reports: readonly SealedOne[], key: KeyPair, nowMs: number): Promise<number> {
  const folder = path.join(dir, 'encrypted_stats');
  for (const { client, id, bytes } of reports) {
    const place = path.join(folder, folderOfClient(client));
    mkdirSync(place, { recursive: true, mode: 0o700 });
    // The files have the collector's names, which hold the values that storing needs besides the bytes.
    writeFileSync(path.join(place, `${id}.${nowMs}.12.${nowMs - dayMs}.-.fhs`), bytes, { mode: 0o600 });
  }
  const storage = await openStorage({
    storage: sqliteConfig(path.join(dir, 'fleet.db')),
    migrate: true,
    program: 'collect',
  });
  const names = createClientNames(reports.map(({ client }) => makeClient(client)));
  const startedAt = performance.now();
  const spool = openSealedSpool(folder);
  const scan = await spool.scan();
  const ingest = startIngest({
    spool,
    quarantine: new Quarantine({
      ...{ places: scan.quarantines, setAside: path.join(dir, 'set-aside'), bounds: defaultBounds },
      ...{ nowMs, keepMs: 30 * dayMs },
    }),
    leftovers: scan.reports,
    keys: privateKeysOf([key]),
    names,
    times: noTimeLimit,
    runId: 'bench',
    marks: openMarks(path.join(dir, 'opening-files')),
    describeKey: (keyId) => ({ clause: keyId, advice: '' }),
    store: storage.reports,
    retentionMs: 30 * dayMs,
    now: () => nowMs,
    observe: () => undefined,
    onFault: (fault) => {
      throw fault;
    },
  });
  await ingest.drain();
  const tookMs = performance.now() - startedAt;
  const { stored } = ingest.counts();
  if (stored !== reports.length) throw new Error(`${stored} of ${reports.length} were stored`);
  await storage.close();
  return tookMs;
}

const { files } = JSON.parse(process.argv[2] ?? '') as SealedPassInput;
const costs = await inTemporaryFolder(async (dir): Promise<SealedPassCosts> => {
  const key = generateKeyPair();
  const nowMs = Date.now();
  const reports = sealFleet(files, key, nowMs);
  const startedAt = performance.now();
  let opened = 0;
  for (const { bytes } of reports) opened += openBare(bytes, key).length;
  const bareMs = performance.now() - startedAt;
  if (!(opened > 100 * files)) throw new Error('the bare work opened nothing');
  return { bareMs, oursMs: await storeFiles(dir, reports, key, nowMs) };
});
process.stdout.write(JSON.stringify(costs));
