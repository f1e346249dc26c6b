// Second tier: measures memory over many reports of a MiB.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { deflateRawSync, gzipSync } from 'node:zlib';

import type { AgentRequest } from '../../src/report/wire.ts';
import { generateEphemeral } from '../../src/report/seal/hpke.ts';
import { sealCompressed } from '../../src/report/seal/seal.ts';
import type { MeasuredFleet, MeasuredPass } from '../support/fleets/collect-measured.ts';
import { makeFleet } from '../support/fleets/fleet.ts';
import { startHostileServer } from '../support/ssh/hostile-server.ts';
import type { HostileMode } from '../support/ssh/hostile-ssh.ts';
import { captureAtBounds } from '../support/clients/large-captures.ts';
import { programArgs } from '../support/programs/program-args.ts';
import { sealedFor, startReportServer, type ReportServer } from '../support/fleets/report-server.ts';
import { account } from '../support/fleets/ssh-fleet.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { worker } from '../report/support/sample-report.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../support/fleets/collect-measured.ts', import.meta.url));
const hostileClients = 8;
const otherClients = 8;

/** The memory that one hostile client may use beyond a good one, in MiB. */
const maxMiB = 12;
/** The memory that all clients share, in MiB: a batch of reports that are stored together. */
const sharedMiB = 64;
/** The same for captures: the probes read one at a time, with the garbage of those before it. */
const captureMiB = 160;

describe('the collector against eight hostile clients among eight others', async () => {
  const good = await stoppedAfter(startReportServer(account));
  const usual = await measure(good);
  assert.deepEqual(usual.failures, []);
  assert.equal(usual.succeeded, hostileClients + otherClients);

  async function measure(
    enemy: Pick<ReportServer, 'port' | 'hostKeyLine'>,
    agentTimeoutMs = 8000,
  ): Promise<MeasuredPass> {
    const fleet = makeFleet();
    const knownHosts = path.join(fleet.dir, 'known_hosts');
    const at =
      (name: string, net: string, { port }: Pick<ReportServer, 'port'>) =>
      (number: number) => {
        return { name: `${name}-${number}`, address: `${net}.${number + 1}`, port };
      };
    const hostile = Array.from(Array(hostileClients).keys(), at('hostile', '127.2.0', enemy));
    const others = Array.from(Array(otherClients).keys(), at('good', '127.3.0', good));
    const keysOf = (server: typeof enemy, clients: typeof others): readonly string[] =>
      clients.map(({ address }) => server.hostKeyLine(address));
    const lines = [...keysOf(enemy, hostile), ...keysOf(good, others)];
    writeFileSync(knownHosts, `${lines.join('\n')}\n`);
    const clients = [...hostile, ...others];
    const measured: MeasuredFleet = { dir: fleet.dir, knownHosts, ...account, agentTimeoutMs, clients };
    const args = [...programArgs(program), JSON.stringify(measured)];
    const { stdout } = await run(process.execPath, args, { timeout: 120_000 });
    return JSON.parse(stdout) as MeasuredPass;
  }

  const evaluate = (t: TestContext, pass: MeasuredPass, allMiB = sharedMiB): void => {
    const more = pass.peakMiB - usual.peakMiB;
    t.diagnostic(`${pass.peakMiB} MiB at most, ${more} more than usual; the slowest other ${pass.slowestMs} ms`);
    assert.ok(more <= allMiB + hostileClients * maxMiB, `${more} MiB more than usual`);
  };

  const modes: readonly (readonly [HostileMode, RegExp])[] = [
    ['endless', /^agent-output$/],
    ['endless-stderr', /^(agent-output|agent-timeout)$/],
    ['flood', /^(agent-output|connect-failed)$/],
    ['endless-line', /^handshake-failed$/],
    ['endless-lines', /^handshake-failed$/],
    ['huge-packet', /^handshake-failed$/],
    ['noise', /^handshake-failed$/],
  ];
  for (const [mode, code] of modes) {
    it(`${mode}: the others are visited, and the memory is bounded`, async (t) => {
      const pass = await measure(await stoppedAfter(startHostileServer(mode)));
      assert.equal(pass.succeeded, otherClients, JSON.stringify(pass));
      assert.equal(pass.failures.length, hostileClients);
      for (const failure of pass.failures) assert.match(failure.code ?? '', code, failure.message ?? '');
      evaluate(t, pass);
    });
  }

  const bomb = deflateRawSync(Buffer.alloc(48 * 1024 * 1024), { level: 9 });
  const sealedBomb = ({ client, key }: AgentRequest): Buffer => {
    const publicKey = Buffer.from(key, 'base64url');
    return sealCompressed({ publicKey, reportId: randomUUID(), client }, bomb, generateEphemeral());
  };
  const row = { mount: `/${'x'.repeat(240)}`, fstype: 'ext4', used_percent: 1 };
  const disks = worker('disks', [{ name: 'disk', data: Array<typeof row>(1000).fill(row) }]);

  const answers: readonly {
    readonly what: string;
    readonly reports: (request: AgentRequest) => readonly Buffer[];
    readonly quarantined: number;
  }[] = [
    {
      what: 'forty compression bombs',
      reports: (request) => Array.from({ length: 40 }, () => sealedBomb(request)),
      quarantined: 320,
    },
    {
      what: 'a dozen reports of nearly 1 MiB',
      reports: (request) =>
        Array.from({ length: 12 }, () => sealedFor(request, { worker_reports: [disks, disks, disks] })),
      quarantined: 0,
    },
  ];
  for (const { what, reports, quarantined } of answers) {
    it(`${what} from each: nothing is believed that must not be, and the memory is bounded`, async (t) => {
      const pass = await measure(await stoppedAfter(startReportServer({ ...account, reports })));
      assert.deepEqual(pass.failures, []);
      assert.equal(pass.quarantined, quarantined);
      evaluate(t, pass);
    });
  }

  for (const isPacked of [false, true]) {
    it(`a capture at its bounds from each, ${isPacked ? 'packed' : 'as text'}: the memory is bounded`, async (t) => {
      const text = captureAtBounds();
      const capture = isPacked ? gzipSync(text) : text;
      const bytes = ({ marker }: AgentRequest): Buffer =>
        Buffer.concat([Buffer.from('U'), capture, Buffer.from(marker, 'base64url')]);
      const hello = () => ({ reader: 'shell' }) as const;
      const server = await stoppedAfter(startReportServer({ ...account, reports: () => [], hello, bytes }));
      // The probes take more than half a second of CPU for each capture, one after the other.
      const pass = await measure(server, 60_000);
      assert.deepEqual(pass.failures, []);
      assert.equal(pass.succeeded, hostileClients + otherClients);
      evaluate(t, pass, captureMiB);
    });
  }
});
