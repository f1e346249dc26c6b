/** The look of one client, through channels in memory and through shells of this machine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { askNeighbour, readOutcomes } from '../../../src/collector/neighbours/ask-neighbour.ts';
import { startTimedSignal } from '../../../src/platform/deadline.ts';
import { lookCommand } from '../../../src/transport/loader/loader.ts';
import { type Connection, noExit } from '../../../src/transport/transport.ts';
import { makeConfig } from '../../support/fleets/fleet.ts';
import { commandOf } from '../../support/clients/shell-client.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { times } from '../../support/times.ts';
import { neighbour } from './support/lost.ts';

const pairs = [
  { address: '192.0.2.1', port: 22 },
  { address: '2001:db8::1', port: 2222 },
];

interface Said {
  /** The text on stdout; `@` stands for the beginning of a line of the answer. */
  readonly out?: string;
  readonly err?: string;
  readonly hangs?: boolean;
  readonly fails?: boolean;
}

/** Asks a client that says this. Returns the outcomes, and what was done with the connection. */
async function ask({ out = '', err = '', hangs = false, fails = false }: Said, signal = new AbortController().signal) {
  const done: string[] = [];
  const exec: Connection['exec'] = (command) => {
    const marker = /' fh '([\w-]+)'/.exec(command)?.[1] ?? '';
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.write(out.replaceAll('@', `fh-${marker}-look `));
    stderr.write(err);
    if (!hangs) for (const stream of [stdout, stderr]) stream.end();
    return Promise.resolve({ stdin: new PassThrough(), stdout, stderr, exit: Promise.resolve(noExit) });
  };
  const connection: Partial<Connection> = {
    exec,
    leave: () => Promise.resolve(void done.push('left')),
    destroy: () => void done.push('destroyed'),
  };
  const client = neighbour('db-2');
  const transportFor = () => ({
    connect: () => (fails ? Promise.reject(new Error('refused')) : Promise.resolve(connection as Connection)),
  });
  const context = { config: makeConfig('/nowhere', [client]), transportFor };
  return { seen: await askNeighbour({ context, client, pairs, signal, onLogin: () => done.push('login') }), done };
}

const unable = ['unable', 'unable'];

test('a client answers for each pair, whatever its shell says besides', async () => {
  const out = 'Welcome!\r\n@1 reached\r\n$ @0 fh: connect: Connection refused\nfh: line 1: reached\n';
  assert.deepEqual(await ask({ out, err: 'locale: cannot set' }), {
    ...{ seen: ['refused', 'reached'], done: ['login', 'left', 'destroyed'] },
  });
});

test('a client that lies, says nonsense, or fails, costs its own answers alone', async () => {
  for (const [said, seen] of [
    [{ out: '@0 reached\n@0 refused\n@7 reached\n@1 x reached\n' }, ['reached', 'unable']],
    [{ out: 'fh-OTHER-look 0 reached\nreached\n' }, unable],
    [{ out: '' }, unable],
    [{ fails: true }, unable],
  ] as const) {
    assert.deepEqual((await ask(said)).seen, seen, JSON.stringify(said));
  }
});

test('a client that floods or hangs is left, and what it has said before counts', async (t) => {
  const flood = 'x'.repeat(70_000);
  for (const said of [{ out: `@0 reached\n${flood}` }, { out: '@0 reached\n', err: flood }]) {
    const { seen, done } = await ask({ ...said, hangs: true });
    assert.deepEqual(
      [seen, done],
      [
        ['reached', 'unable'],
        ['login', 'destroyed'],
      ],
    );
  }
  const { signal, end } = startTimedSignal({ timeoutMs: 20, parent: new AbortController().signal });
  t.after(end);
  const { seen } = await ask({ out: '@0 reached\n', hangs: true }, signal);
  assert.deepEqual(seen, ['reached', 'unable']);
});

test('an agent over HTTP cannot look, and a look that was abandoned during the login asks nothing', async () => {
  const client = neighbour('db-2');
  const done: string[] = [];
  const open = { leave: () => Promise.resolve(void done.push('left')), destroy: () => void done.push('destroyed') };
  const exec = () => assert.fail('an exec');
  const controller = new AbortController();
  for (const [connection, isAbandoned] of [
    [{ ...open, poll: exec }, false],
    [{ ...open, exec }, true],
  ] as const) {
    done.length = 0;
    const transportFor = () => ({ connect: () => Promise.resolve(connection as Partial<Connection> as Connection) });
    const context = { config: makeConfig('/nowhere', [client]), transportFor };
    const onLogin = (): void => {
      done.push('login');
      if (isAbandoned) controller.abort();
    };
    const { signal } = isAbandoned ? controller : new AbortController();
    assert.deepEqual(await askNeighbour({ context, client, pairs, signal, onLogin }), unable);
    assert.deepEqual([...new Set(done)], ['login', 'destroyed']);
  }
});

test('the words of every program and C library have their outcome', () => {
  for (const [outcome, ...words] of [
    ['reached', 'reached'],
    ['no banner', 'open', 'nc: Connection reset by peer'],
    ['refused', 'ECONNREFUSED', 'fh: connect: Connection refused', 'nc: 192.0.2.1 (192.0.2.1:22): Connection refused'],
    ['no answer', 'timed out', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'fh: connect: No route to host'],
    ['no answer', 'nc: Operation timed out', 'fh: connect: Host is unreachable', 'fh: connect: Host is down'],
    ['no route', 'ENETUNREACH', 'fh: connect: Network is unreachable', 'nc: Network unreachable'],
    ['unable', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'sh: busybox: not found', 'EINVAL', 'reached by nobody', ''],
  ] as const) {
    for (const one of words) assert.deepEqual(readOutcomes(`fh-m-look 0 ${one}\n`, 'm', 1), [outcome], one);
  }
});

/** The programs that a client may have to look with. */
const kits = { node: ['node', 'sh'], bash: ['bash', 'sh', 'timeout'], busybox: ['busybox', 'sh', 'timeout'] };

/** Returns a folder of programs that is a whole PATH. */
function pathWith(dir: string, programs: readonly string[]): string {
  mkdirSync(dir);
  for (const name of programs)
    symlinkSync(name === 'node' ? process.execPath : `/usr/bin/${name}`, path.join(dir, name));
  return dir;
}

for (const [kit, programs] of Object.entries(kits)) {
  test(`a client looks by ${kit} whether an SSH server greets it, and sends nothing`, async (t) => {
    const received: Buffer[] = [];
    const listen = async (greet: (socket: Socket) => unknown): Promise<number> => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        t.after(() => socket.destroy());
        socket.on('data', (data) => received.push(data)).on('error', () => undefined);
        greet(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      return (server.address() as AddressInfo).port;
    };
    const ports = [
      // RFC 4253: lines may stand before the one of the protocol.
      await listen((socket) => socket.end('Keep out.\r\nSSH-2.0-OpenSSH_9.2p1 Debian\r\n')),
      // Keep connections open, as a machine does whose sshd hangs, or one of its kind that waits for more.
      await listen((socket) => socket),
      await listen((socket) => socket.write('220 mail.example ESMTP SSH-2.0\r\n')),
      await listen((socket) => socket.end()),
      await listen((socket) => socket.resetAndDestroy()),
      await freePort(),
    ];
    const tried = ports.map((port) => ({ address: '127.0.0.1', port }));
    const command = lookCommand({ client: 'db-2', marker: 'm', node: null, seconds: 1, pairs: tried });
    const PATH = pathWith(path.join(tempFolder(t), kit), programs);
    const child = spawn('/bin/sh', ['-c', command], { env: { PATH, HOME: '/' }, stdio: ['ignore', 'pipe', 'ignore'] });
    const expected = ['reached', ...times(4, () => 'no banner'), 'refused'];
    assert.deepEqual(readOutcomes(await text(child.stdout), 'm', ports.length), expected);
    assert.deepEqual(received, []);
  });
}

for (const shell of ['fish', 'tcsh', 'zsh', 'mksh', 'dash', 'busybox ash']) {
  const command = commandOf(shell);
  test(`the command line passes ${shell} as a login shell`, { skip: command === null }, async (t) => {
    const [program = '', ...args] = command ?? [];
    const port = await freePort();
    const line = lookCommand({
      ...{ client: 'db-2', marker: 'm', node: '/opt/a $b/node', seconds: 4 },
      pairs: ['127.0.0.1', '::1'].map((address) => ({ address, port })),
    });
    const env = { PATH: pathWith(path.join(tempFolder(t), 'bash'), kits.bash), HOME: tempFolder(t) };
    const child = spawn(program, [...args, '-c', line], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    assert.deepEqual(readOutcomes(await text(child.stdout), 'm', 2), ['refused', 'refused']);
  });
}
