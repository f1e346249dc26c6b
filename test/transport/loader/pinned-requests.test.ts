// Second tier: requests in every order and time.
/** Requests with a restricted key: none of their bytes decides what an agent runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import fc from 'fast-check';

import { decodeUnderPin } from '../../../agent/spool/pinned.ts';
import { sealCapture } from '../../../src/collector/agent/seal-capture.ts';
import { launcherCommand, shellLauncherCommand } from '../../../src/transport/loader/launcher.ts';
import { parseHello } from '../../../src/report/frames.ts';
import type { Report } from '../../../src/report/report.ts';
import type { AgentRequest, RequestedCheck } from '../../../src/report/wire.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { bundles, keyPair } from '../../support/clients/agent-visit.ts';
import { isLong, isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { framesOf, shellStart, visitCommand } from '../../support/ssh/restricted-key.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Each run starts a launcher and an agent. */
const numRuns = isLong ? 60 : isWide ? 6 : 1;
const collectorId = '57961bcb-d028-45f9-9828-3bc654105a74';
const task = { client: 'web-1', runId: collectorId, publicKey: keyPair.publicKey, probeOptions: {} };
const own = [{ name: 'own', format: 'nagios', exit: 0, why: null, output: 'mine', age_s: 0 }];

interface PinnedClient {
  /** A program of the account that no conf file names. It leaves the file `started`. */
  readonly planted: string;
  readonly started: string;
  /** The folder of programs that a visit searches first. */
  readonly bin: string;
  /**
   * Returns the report that the launcher's agent makes for this request. With `hasSystemd` it runs in a mount namespace
   * with the `systemctl` and `journalctl` of `bin`, as root.
   */
  readonly ask: (request: Partial<AgentRequest>, hasSystemd?: boolean) => Promise<Partial<Report>>;
}

/** Makes a systemd, whose programs are in the folder `$1`, that a mount namespace alone has. */
const makeSystemd = `mount -t tmpfs none /run && mkdir -p /run/systemd/system &&
  for x in systemctl journalctl; do mount --bind "$1/$x" /usr/bin/$x || exit; done`;
const inNamespace = (script: string, ...args: readonly string[]): readonly string[] => [
  '-m',
  '/bin/sh',
  '-c',
  `${makeSystemd}; ${script}`,
  'sh',
  ...args,
];
const { status: namespaceStatus } = isWide ? spawnSync('unshare', inNamespace('', '/usr/bin')) : { status: null };

/** Makes a client with a restricted key and a check of its own. */
function pinnedClient(t: TestContext, reader: 'node' | 'shell'): PinnedClient {
  const home = tempFolder(t);
  const lib = path.join(home, '.local/lib/fleet-health');
  const confDir = path.join(home, '.config/fleet-health/checks.d');
  for (const dir of [lib, confDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(confDir, 'own.conf'), 'own echo mine\n', { mode: 0o600 });
  const started = path.join(home, 'started');
  const planted = path.join(home, 'planted');
  const bin = path.join(home, 'bin');
  mkdirSync(bin);
  writeFileSync(planted, `#!/bin/sh\n: >${started}\necho planted\n`, { mode: 0o700 });
  writeFileSync(path.join(home, 'planted.conf'), `planted ${planted}\n`, { mode: 0o600 });
  const agent = reader === 'node' ? bundles.agent : bundles.shell;
  writeFileSync(path.join(lib, `${agent.digest}.${reader === 'node' ? 'cjs' : 'sh'}`), agent.content);
  const pin = { client: 'web-1', agentDigest: agent.digest, collectorId };
  const command =
    reader === 'shell'
      ? shellLauncherCommand(pin)
      : launcherCommand({
          ...pin,
          inventoryDigest: bundles.inventory.digest,
          publicKey: keyPair.publicKey,
          node: process.execPath,
        });
  return {
    planted,
    started,
    bin,
    ask: async (request, hasSystemd = false) => {
      const asked = visitCommand(request, reader === 'shell' ? shellStart : null);
      const env = { HOME: home, PATH: `${bin}:${process.env['PATH'] ?? ''}`, SSH_ORIGINAL_COMMAND: asked };
      const [program, args] = hasSystemd
        ? ['unshare', inNamespace('exec /bin/sh -c "$2"', bin, command)]
        : ['/bin/sh', ['-c', command]];
      const { stdout, stderr } = spawnSync(program, args, { encoding: 'latin1', env, input: '' });
      const frames = framesOf(stdout);
      const [hello, own, capture] = [frames.get('H'), frames.get('R'), frames.get('U')];
      assert.ok(hello, stderr);
      const sealed = capture === undefined ? own : (await sealCapture(capture, parseHello(hello), task)).sealed;
      assert.ok(sealed, stderr);
      const { plaintext } = openReport(sealed, new Map([[keyPair.id, keyPair]]));
      return JSON.parse(plaintext.toString()) as Partial<Report>;
    },
  };
}

/** The targets that a request may try to reach: a server, a file with a secret, a program and a folder. */
interface Targets {
  readonly port: number;
  readonly secret: string;
  readonly planted: string;
  readonly bin: string;
}

/** Returns requests that name checks and options of any form, and keys to add to them. */
function wishesFor({ port, secret, planted, bin }: Targets) {
  const line = fc.constantFrom(
    ...[`connect=127.0.0.1:${port}`, `127.0.0.1:${port}`, `file=${secret}`, `program=${planted}`, `dir=${bin}`],
    ...['certificate', 'textfile', 'gpu', 'container', 'connect', 'file', 'expected=8', '1', '', 'web', planted],
  );
  const key = fc.constantFrom(
    ...['name', 'command', 'format', 'connect', 'file', 'program', 'servername', 'expected', 'dir', 'container'],
    ...['certificate', 'textfile', 'gpu', 'smi', 'root', 'fh_confs', 'fh_requested', 'fh_gpu', 'conf'],
  );
  const value = fc.oneof(line, fc.array(line, { maxLength: 4 }));
  const wish = fc.dictionary(key, value, { noNullPrototype: true, maxKeys: 6 });
  const checks = fc.array(
    fc.record({
      name: fc.constantFrom('certificate:x', 'gpu', 'gpu:8', `textfile:${bin}`, 'container:web', 'a'),
      format: fc.constantFrom('certificate', 'textfile', 'gpu', 'nagios'),
      command: fc.oneof(
        fc.constantFrom(['connect', `127.0.0.1:${port}`, '', '9', '9'], ['textfile', bin, '9'], [planted]),
        fc.array(line, { maxLength: 4 }),
      ),
    }),
    { maxLength: 3 },
  );
  return [fc.record({ checks, options: wish }), wish] as const;
}

/** Returns options that wish for logs in any form, and values of the agent's own variable for logs. */
function logWishesFor(planted: string, secret: string) {
  const word = fc.oneof(
    fc.constantFrom(
      `0 "; ${planted}; "`,
      `0 $(${planted})`,
      `0 \`${planted}\``,
      `0 '; ${planted}; '`,
      `0\n${planted}`,
      `7\u001f${planted}`,
      `l0 .\nc${planted}`,
      `7 . ${secret}`,
      `7 (`,
      `7 [`,
      secret,
      `file 1 0 ../../..${secret}`,
      `journal --file=${secret}`,
      `-f ${secret}`,
    ),
    fc.string({ unit: fc.constantFrom(...'07 ab/\\"\'\n\t$`;|&(){}[]:,*+?.^\u001f'.split('')), maxLength: 12 }),
  );
  const logs = fc.oneof(fc.array(word, { maxLength: 4 }), word, fc.dictionary(fc.constantFrom('file', '0'), word));
  const options = fc.record({ logs }, { noNullPrototype: true });
  return [options, fc.array(word, { maxLength: 1 })] as const;
}

test('the bounds of a restricted key keep that no log lines are read', () => {
  const [, request = ''] = /'([\w-]+)'$/.exec(visitCommand({ options: { noExcerpts: true, noFiles: true } })) ?? [];
  const pinned = { digest: 'a'.repeat(64), collector: collectorId, key: '' };
  const { noExcerpts, noFiles } = decodeUnderPin(request, pinned).options;
  assert.deepEqual([noExcerpts, noFiles], [true, true]);
});

for (const reader of ['node', 'shell'] as const) {
  test(`a request names checks and nothing of them is run with a restricted key (${reader})`, async (t) => {
    const { planted, started, ask } = pinnedClient(t, reader);
    const check: RequestedCheck = { name: 'planted', command: [planted], everySeconds: 60, format: 'prom' };
    const wishes = [
      { checks: [check, { ...check, name: 'own' }] },
      { options: { units: ['ssh'], checks: [check] } },
      { 'checks\u001fx': [check], 'include-nrpe': planted, confs: [`c${planted}.conf`], R: path.dirname(planted) },
    ];
    const text = {
      run: '0b8a1c62-7d0e-4c55-8a3e-52e1f5f0c001',
      checks: `c${planted}\u001f0\u001f10\u001fnagios\u001fx${planted}`,
    };
    // Each wish by itself, or all that one request may hold.
    const requests: readonly unknown[] = isWide ? [...wishes, text] : [Object.assign({}, ...wishes), text];
    for (const request of requests as readonly Partial<AgentRequest>[]) {
      const { checks, checks_refused: refused } = await ask(request);
      assert.deepEqual([checks, refused], [own, undefined], JSON.stringify(request));
    }
    assert.equal(existsSync(started), false);
  });

  test(`whatever a request holds, the checks are those of the client's conf files (${reader})`, async (t) => {
    const { planted, started, ask } = pinnedClient(t, reader);
    const word = fc.oneof(
      fc.constantFrom(
        planted,
        'sh',
        '-c',
        `${planted};`,
        `$(${planted})`,
        'include-nrpe',
        `k${planted}`,
        '\n',
        '\u001f',
      ),
      fc.string({ unit: fc.constantFrom(...'abk/\\"\'\n\t$`;|&{}[]:,\u001f\u001e '.split('')), maxLength: 8 }),
    );
    const value = fc.oneof(word, fc.integer({ min: -1, max: 99 }), fc.array(word, { maxLength: 3 }));
    const key = fc.constantFrom('name', 'command', 'everySeconds', 'timeoutSeconds', 'format', 'checks', 'mounts');
    const check = fc.dictionary(key, value, { noNullPrototype: true, maxKeys: 5 });
    const request = fc.record({
      checks: fc.oneof(fc.array(check, { maxLength: 3 }), check, word),
      options: fc.record(
        { units: fc.array(word, { maxLength: 2 }), mounts: fc.array(word, { maxLength: 2 }), checks: fc.array(check) },
        { requiredKeys: [], noNullPrototype: true },
      ),
    });
    await fc.assert(
      fc.asyncProperty(request, async (asked) => {
        const { checks, checks_refused: refused } = await ask(asked as unknown as Partial<AgentRequest>);
        assert.deepEqual([checks, refused], [own, undefined]);
        assert.equal(existsSync(started), false);
      }),
      { numRuns },
    );
  });

  test(`no request adds a certificate, textfiles, GPUs or containers with a restricted key (${reader})`, async (t) => {
    const { planted, started, bin, ask } = pinnedClient(t, reader);
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const secret = path.join(bin, 'secret.prom');
    writeFileSync(secret, 'smartmon_device_smart_healthy{disk="a secret"} 0\n');
    await fc.assert(
      fc.asyncProperty(...wishesFor({ port, secret, planted, bin }), async (asked, more) => {
        const report = await ask({ ...more, ...asked });
        assert.deepEqual([report.checks, report.checks_refused], [own, undefined]);
        assert.doesNotMatch(JSON.stringify(report), /a secret/);
        assert.equal(existsSync(started), false);
      }),
      { numRuns },
    );
    // A connection of a visit above would be in the kernel's queue.
    await once(connect(port, '127.0.0.1'), 'close');
    assert.equal(connections, 1, 'that of this test alone');
  });

  test(`wishes for logs select no file and start no other program with a restricted key (${reader})`, async (t) => {
    const { planted, started, bin, ask } = pinnedClient(t, reader);
    const asked = path.join(bin, 'asked');
    for (const name of ['journalctl', 'dmesg']) {
      writeFileSync(path.join(bin, name), `#!/bin/sh\necho "${name} $*" >>${asked}\nexit 1\n`, { mode: 0o700 });
    }
    const secret = path.join(bin, 'syslog');
    writeFileSync(secret, '<0>Nov 22 05:41:08 h a: a secret\n');
    const sources = new Set(['journal', '/var/log/syslog', '/var/log/messages', 'kernel ring', undefined]);
    await fc.assert(
      fc.asyncProperty(...logWishesFor(planted, secret), async (wishes, fh_log) => {
        const asking = { options: { ...wishes, root: bin, source: secret }, fh_root: bin, fh_log };
        const report = await ask(asking as unknown as Partial<AgentRequest>);
        const worker = report.worker_reports?.find(({ name }) => name === 'log');
        const rows = worker?.function_reports.find(({ name }) => name === 'log')?.data ?? [];
        for (const { source } of rows) assert.ok(sources.has(source as string | undefined), String(source));
        assert.doesNotMatch(JSON.stringify(worker ?? null).replaceAll(secret, ''), /a secret/);
        assert.equal(existsSync(started), false);
      }),
      { numRuns },
    );
    const calls = existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : [];
    const entries = '-o json -p [0-7](?: --output-fields=[A-Z_,]+)? --after-cursor=[A-Za-z0-9=;_-]+';
    const fixed = new RegExp(`^(?:dmesg -r|journalctl --no-pager -q (?:-n 1 -o json|${entries}))$`);
    for (const call of calls) assert.match(call, fixed);
  });

  const skip = skipUnlessWide || (namespaceStatus === 0 ? false : 'needs a mount namespace and systemd');
  test(
    `a failed unit has no log lines if the request says so, with a restricted key too (${reader})`,
    { skip },
    async (t) => {
      const { bin, ask } = pinnedClient(t, reader);
      const asked = path.join(bin, 'asked');
      const programs = {
        systemctl: `printf '%s\\n' Id=-.slice '' Id=web.service Names=web.service LoadState=loaded ActiveState=failed`,
        journalctl: `case $* in *--unit=*) echo "$*" >>${asked}; echo 'last words' ;; *) exit 1 ;; esac`,
      };
      for (const [name, script] of Object.entries(programs)) {
        writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o700 });
      }
      const linesWith = async (options: AgentRequest['options']): Promise<unknown> => {
        const { worker_reports: workers } = await ask({ options }, true);
        const services = workers?.find(({ name }) => name === 'services')?.function_reports ?? [];
        assert.equal(services.find(({ name }) => name === 'failed_unit')?.data.length, 1);
        return services.find(({ name }) => name === 'unit_line')?.data;
      };
      assert.equal(await linesWith({ noExcerpts: true }), undefined);
      assert.equal(existsSync(asked), false, 'the journal was read');
      assert.deepEqual(await linesWith({}), [{ unit: 'web.service', text: 'last words' }]);
    },
  );
}
