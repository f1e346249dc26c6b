// Second tier: polled clients through the program on both databases.
/** A client that is polled over HTTP: the collector and `fleet-health-agent spoke`, both as the built program. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { after, suite, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';

import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { keyIdOf } from '../../src/report/seal/sealed-message.ts';
import { makeCertificates } from '../support/servers/certificates.ts';
import { freePort, listenOn } from '../support/servers/free-port.ts';
import {
  configFolder,
  exits,
  runBuilt,
  startAgentProgram,
  succeeded,
  type CliResult,
  type Resident,
} from '../support/programs/run-cli.ts';
import { sampleReport } from '../report/support/sample-report.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import type { Scope } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface AgentJson {
  readonly collector: string;
  readonly publicKey: string;
  readonly spoke: Readonly<Record<string, unknown>>;
}

/** Makes a collector with one polled client, and the agent.json that `enroll` prints for the client. */
function collector(t: Scope, port: number) {
  const client = `<client name="web-1" transport="http" url="http://127.0.0.1:${port}/"/>`;
  const dir = configFolder(t, `<config><alerts mail="ops@example.org"/>${client}</config>`);
  const run = (...args: readonly string[]): Promise<CliResult> => runBuilt(args, { cwd: dir });
  const place = path.join(dir, 'spoke');
  mkdirSync(place, { mode: 0o700 });
  const file = path.join(dir, 'agent.json');
  const enroll = async (...more: readonly string[]): Promise<AgentJson> => {
    const agent = JSON.parse(await succeeded(run('enroll', 'web-1', ...more))) as AgentJson;
    writeFileSync(file, JSON.stringify({ ...agent, state_directory: place }), { mode: 0o600 });
    return agent;
  };
  const sealedAtHome = (): readonly string[] =>
    readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.fhs'));
  /** Runs the spoke until the test ends. */
  const answer = (): Promise<Resident> => startAgentProgram(t, ['-c', file, 'spoke'], 'event=listening');
  return { dir, run, enroll, answer, place, sealedAtHome, file };
}

suite('a client that is asked over HTTP', async () => {
  const port = await freePort();
  const ends: (() => unknown)[] = [];
  after(() => ends.reverse().forEach((end) => end()));
  const { dir, run, enroll, answer, place, sealedAtHome, file } = collector(
    { after: (end) => void ends.push(end) },
    port,
  );
  const config = path.join(dir, 'config.xml');
  let agent: Awaited<ReturnType<typeof enroll>>;
  let spoke: ChildProcess;
  let said: () => string;

  test('is refused until it is enrolled and answers', async () => {
    await exits(1, run('collect', 'web-1'), /code=spoke-refused .*web-1 is not enrolled/);
    agent = await enroll();
    assert.deepEqual(agent.spoke, { listen_address: '127.0.0.1', ip_bind_port: port });
    const refused = { stdout: /web-1: connect ECONNREFUSED .*fleet-health-agent spoke/ };
    await exits(1, run('check', '--connect'), refused);
  });

  test('is read as others are by SSH', async () => {
    ({ child: spoke, said } = await answer());
    assert.match((await run('check', '--connect')).stdout, /All 3 trials succeeded/);
    await succeeded(run('collect', 'web-1'));
    const { stdout } = await run('--json', 'status', 'web-1');
    assert.match(stdout, /"reader":"spoke","hostname":"[^"]+"/);
    assert.deepEqual(sealedAtHome(), []);
  });

  test('sends a spool of more than one stream in a single visit', async () => {
    const [home = ''] = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /^[^/]+\/[^/]+\/[^/]+$/.test(name),
    );
    const publicKey = Buffer.from(agent.publicKey, 'base64url');
    const key = { ...generateKeyPair(), id: keyIdOf(publicKey), publicKey };
    for (let index = 0; index < 15; index++) {
      const inside = { ...sampleReport, client: 'web-1', report_id: randomUUID(), datetime: new Date().toISOString() };
      const plaintext = Buffer.from(JSON.stringify({ ...inside, padding: randomBytes(20_000).toString('base64') }));
      const { reportId, sealed } = sealedSample({ key, inside, plaintext });
      const name = `${1_790_000_000_000 + index}-${reportId}.fhs`;
      writeFileSync(path.join(place, home, name), sealed, { mode: 0o600 });
    }
    assert.match(await succeeded(run('collect', 'web-1')), /event=summary .* stored=16 /);
    assert.deepEqual(sealedAtHome(), []);
  });

  test('is reached through a proxy that terminates TLS, whose certificate counts', async (t) => {
    const certificates = makeCertificates(path.join(dir, 'tls'));
    const tls = createTlsServer(certificates.good, (socket) => {
      const spoken = connect(port, '127.0.0.1');
      spoken.on('error', () => socket.destroy());
      socket.on('error', () => spoken.destroy());
      socket.pipe(spoken).pipe(socket);
    });
    const tlsPort = await listenOn(tls);
    t.after(() => tls.close());
    // If the new port is taken, the spoke keeps the old one.
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace(`"ip_bind_port":${port}`, `"ip_bind_port":${tlsPort}`));
    spoke.kill('SIGHUP');
    const isBack = (): boolean => said().includes('settings-refused') && said().split('event=listening').length === 3;
    await until(isBack, said, 60_000);
    writeFileSync(file, before);
    const plain = readFileSync(config, 'utf8');
    writeFileSync(config, plain.replace(/url="[^"]+"/, `url="https://localhost:${tlsPort}/"`));
    await exits(1, run('collect', 'web-1'), /certificate/);
    const trusting = { cwd: dir, env: { NODE_EXTRA_CA_CERTS: certificates.ca } };
    assert.match(await succeeded(runBuilt(['collect', 'web-1'], trusting)), /event=summary .* succeeded=1 /);
    writeFileSync(config, plain);
  });

  test('is refused by its former key once it has a new one, and ends at SIGTERM', async () => {
    await succeeded(run('enroll', 'web-1', '--rotate'));
    await exits(1, run('collect', 'web-1'), /code=spoke-refused .*answered 401.*fleet-health enroll web-1/);
    const ended = once(spoke, 'exit');
    spoke.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    await exits(1, run('collect', 'web-1'), /code=connect-refused/);
  });
});

const strangers: readonly (readonly [string, RequestListener, RegExp])[] = [
  ['answers without the key', (_, answer) => answer.end('fleet-health v1\n'), /answered without the key of web-1/],
  ['answers 200 to everything, slowly', (_, answer) => void answer.writeHead(200).write('x'), /did not answer within/],
  ['is a web server', (_, answer) => answer.writeHead(404).end('no'), /answered 404 \(connect-failed\)/],
  ['sends elsewhere', (_, answer) => answer.writeHead(302, { Location: '/' }).end(), /answered 302/],
  [
    'sends without end',
    (_, answer) => {
      flood(answer);
    },
    /without the key/,
  ],
];

function flood(answer: Parameters<RequestListener>[1]): void {
  const write = (): void => {
    while (!answer.destroyed && answer.write(Buffer.alloc(65_536)));
  };
  answer.on('drain', write);
  write();
}

test(
  'whatever else answers at the url is a fault of that client, within its deadline',
  { timeout: 120_000 },
  async (t) => {
    let listener: RequestListener = (_, answer) => answer.end();
    const server = createServer((incoming, answer) => listener(incoming, answer));
    const port = await listenOn(server);
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { dir, run, enroll, sealedAtHome } = collector(t, port);
    const config = path.join(dir, 'config.xml');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('<alerts', '<collector connectTimeout="2s" clientDeadline="10s"/><alerts'),
    );
    await enroll();
    for (const [, answers, says] of strangers) {
      listener = answers;
      await exits(1, run('check', '--connect'), { stdout: says });
    }
    assert.deepEqual(sealedAtHome(), []);
  },
);
