import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { packageDir } from '../../../src/state-folder/paths.ts';
import { dial, resolveHost, type DialOptions } from '../../../src/transport/connection/dial.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { listen } from '../../support/servers/free-port.ts';
import { fails } from '../../support/ssh/login.ts';
import { stoppedAfter } from '../../support/stopped-after.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('dial', async () => {
  const { port } = await stoppedAfter(listen((socket) => void socket.resume(), '127.0.0.1'));

  const options = (more: Partial<DialOptions> = {}): DialOptions => ({
    client: 'web-1',
    host: '127.0.0.1',
    port,
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    ...more,
  });

  for (const host of ['127.0.0.1', 'localhost']) {
    it(`connects to ${host}, by whichever of its addresses answers`, async () => {
      const socket = await dial(options({ host }));
      assert.equal(socket.remotePort, port);
      socket.destroy();
    });
  }

  it('says that a link-local address needs its interface', async () => {
    const { message, advice } = await fails(dial(options({ host: 'fe80::1' })), 'connect-failed connect');
    assert.equal(message, 'fe80::1 is a link-local address, which names no interface');
    assert.match(advice, /fe80::1%eth0/);
  });

  it('an error of a socket handed out is never unhandled', async () => {
    const socket = await dial(options());
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy(new Error('late'));
    await closed;
  });

  it('no network: connect-failed', async () => {
    // The kernel itself refuses 255.255.255.255.
    await fails(dial(options({ host: '255.255.255.255' })), 'connect-failed connect');
  });

  it('an aborted signal ends it with the reason', async () => {
    await fails(dial(options({ signal: AbortSignal.abort() })), 'visit-deadline');
  });
});

describe('resolveHost', () => {
  it('takes addresses as they are', async () => {
    const { signal } = new AbortController();
    assert.deepEqual(await resolveHost('192.0.2.1', signal), [{ address: '192.0.2.1', family: 4 }]);
    assert.deepEqual(await resolveHost('2001:db8::1', signal), [{ address: '2001:db8::1', family: 6 }]);
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    await resolveHost('localhost', signal);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('gives up with the signal, for those that wait for their turn too', async () => {
    const stop = new AbortController();
    const names = Array.from({ length: 30 }, (_, index) => `no-such-${index}.invalid`);
    const answers = Promise.allSettled(names.map((name) => resolveHost(name, stop.signal)));
    stop.abort(new Error('enough'));
    for (const answer of await answers) assert.equal(answer.status, 'rejected');
    // The queue continues: a later look-up is answered.
    const found = await resolveHost('localhost', new AbortController().signal);
    assert.ok(found.length > 0);
  });
});

/** Runs `work` in a process of its own, in which /etc/hosts holds these lines in place of a name server's answers. */
function answered(lines: readonly string[], work: string, file = '/etc/hosts'): unknown {
  const hosts = path.join(tempFolder(), 'hosts');
  writeFileSync(hosts, lines.map((line) => `${line}\n`).join(''));
  const module = path.join(packageDir, 'src/transport/connection/dial.ts');
  const script = `import { createServer } from 'node:net';
    import { createSocket } from 'node:dgram';
    import { setMaxListeners } from 'node:events';
    const { dial, resolveHost } = await import(${JSON.stringify(module)});
    const { loadNameMemory } = await import(${JSON.stringify(module.replace('dial.ts', 'name-memory.ts'))});
    const { signal } = new AbortController();
    setMaxListeners(0, signal);
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.9');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address();
    console.log(JSON.stringify(await (${work})()));
    process.exit();`;
  const mount = `mount --bind "$0" ${file} && exec "$@"`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', mount, hosts, ...node], {
    cwd: packageDir,
    encoding: 'utf8',
    timeout: 120_000,
    // The programs set the same size.
    env: { ...process.env, UV_THREADPOOL_SIZE: '64' },
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

/** Returns the text of a name server that answers for no name that begins with `dead`. */
function nameServerAt(address: string): string {
  // RFC 1035, section 4.1: repeats the question, and for type A adds one address by a pointer to its name.
  return `const dns = createSocket('udp4');
      dns.on('message', (question, { port, address }) => {
        if (question.toString('latin1', 13).startsWith('dead')) return;
        const end = question.indexOf(0, 12) + 5;
        const isA = question.readUInt16BE(end - 4) === 1;
        const head = Buffer.from(question.subarray(0, 12));
        head.writeUInt16BE(0x8180, 2);
        head.writeUInt16BE(isA ? 1 : 0, 6);
        head.writeUInt32BE(0, 8);
        const address4 = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9]);
        dns.send(Buffer.concat([head, question.subarray(12, end), ...(isA ? [address4] : [])]), port, address);
      });
      await new Promise((resolve) => dns.bind(53, '${address}', resolve));`;
}

const needsRoot = process.getuid?.() === 0 ? false : 'needs root, for names of its own';

describe('names with odd answers', { skip: needsRoot }, () => {
  it('of many addresses 64 are tried', () => {
    const lines = Array.from({ length: 300 }, (_, index) => `127.7.${index >> 8}.${index & 255} many.test`);
    const work = `async () => {
      const found = await resolveHost('many.test', signal);
      const fault = await dial({ host: 'many.test', port, timeoutMs: 60_000, signal }).catch((thrown) => thrown);
      return [found.length, fault.code];
    }`;
    assert.deepEqual(answered(lines, work), [64, 'connect-refused']);
  });

  it('thirty addresses that do not answer are passed over for the one after them', () => {
    // A listener whose queue is full answers no connection.
    const lines = Array.from({ length: 30 }, (_, index) => `127.8.0.${index + 1} dead.test`);
    const work = `async () => {
      const deaf = createServer().listen({ port, host: '127.8.0.1', backlog: 0 });
      await new Promise((resolve) => deaf.once('listening', resolve));
      const { connect } = await import('node:net');
      const held = Array.from({ length: 8 }, () => connect({ port, host: '127.8.0.1' }).on('error', () => undefined));
      const socket = await dial({ host: 'dead.test', port, timeoutMs: 5000, signal });
      return [held.length, socket.remoteAddress];
    }`;
    assert.deepEqual(answered([...lines, '127.0.0.9 dead.test'], work), [8, '127.0.0.9']);
  });

  it('addresses that lead nowhere are passed over for the one that answers', () => {
    const odd = ['0.0.0.0', '255.255.255.255', '224.0.0.1', '240.0.0.1', '::', 'ff02::1', 'fe80::1', '127.0.0.9'];
    const work = `async () => {
      const socket = await dial({ host: 'odd.test', port, timeoutMs: 60_000, signal });
      return socket.remoteAddress;
    }`;
    const lines = odd.map((address) => `${address} odd.test`);
    assert.equal(answered(lines, work), '127.0.0.9');
  });

  it('addresses that all lead nowhere end in a fault, whose message names the place that config.xml says', () => {
    const work = `async () => {
      const fault = await dial({ host: 'none.test', port, timeoutMs: 3000, signal }).catch((thrown) => thrown);
      return [fault.name, fault.stage];
    }`;
    const odd = ['255.255.255.255', '224.0.0.1', 'ff02::1', '::ffff:0.0.0.1'].map((address) => `${address} none.test`);
    assert.deepEqual(answered(odd, work), ['FleetError', 'connect']);
  });

  it('names whose servers never answer hold back no others', { skip: skipUnlessWide }, () => {
    const nameServer = `127.53.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    const work = `async () => {
      ${nameServerAt(nameServer)}
      const one = (host) =>
        dial({ host, port, timeoutMs: 5000, signal }).then((socket) => socket.destroy() && 'ok', ({ code }) => code);
      const dead = Array.from({ length: 20 }, (_, index) => one('dead' + index + '.test.'));
      const good = await Promise.all(Array.from({ length: 40 }, (_, index) => one('good' + index + '.test.')));
      return [[...new Set(good)], [...new Set(await Promise.all(dead))]];
    }`;
    assert.deepEqual(answered([`nameserver ${nameServer}`], work, '/etc/resolv.conf'), [['ok'], ['dns']]);
  });

  it(
    'names that did not resolve the last time hold back no others, and get two places',
    { skip: skipUnlessWide },
    () => {
      const nameServer = `127.53.${randomInt(1, 255)}.${randomInt(1, 255)}`;
      const work = `async () => {
      ${nameServerAt(nameServer)}
      const names = loadNameMemory({ file: '/nowhere/names.json', nowMs: 0 });
      const one = (host) =>
        dial({ host, port, timeoutMs: 3000, signal, names }).then(
          (socket) => socket.destroy() && 'ok',
          ({ message }) => (/was not looked up/.test(message) ? 'unasked' : 'unresolved'));
      const deadNames = Array.from({ length: 120 }, (_, index) => 'dead' + index + '.test.');
      for (const name of deadNames) names.noteFailure(name, false);
      const dead = deadNames.map(one);
      const good = await Promise.all(Array.from({ length: 10 }, (_, index) => one('good' + index + '.test.')));
      const said = await Promise.all(dead);
      return [[...new Set(good)], said.filter((word) => word === 'unresolved').length, names.outcomeOf('good3.test.')];
    }`;
      const found = answered([`nameserver ${nameServer}`], work, '/etc/resolv.conf');
      assert.deepEqual(found, [['ok'], 2, 'resolved']);
    },
  );

  it(
    'a name that has resolved is dialled at its last address after a second, or without a name server',
    { skip: skipUnlessWide },
    () => {
      const nameServer = `127.53.${randomInt(1, 255)}.${randomInt(1, 255)}`;
      const work = `async () => {
      const names = loadNameMemory({ file: '/nowhere/names.json', nowMs: 0 });
      names.noteAddresses('refused.test.', ['127.0.0.9']);
      const used = [];
      const onLastAddress = (address) => used.push(address);
      const one = async (host) => {
        const socket = await dial({ host, port, timeoutMs: 20_000, signal, names, onLastAddress });
        socket.destroy();
        return socket.remoteAddress;
      };
      // Nobody listens at the name server's address.
      const refused = await one('refused.test.');
      ${nameServerAt(nameServer)}
      names.noteAddresses('dead1.test.', ['127.0.0.9']);
      names.noteAddresses('dead2.test.', ['127.0.0.8']);
      const slow = await one('dead1.test.');
      const fault = await dial({ host: 'dead2.test.', port, timeoutMs: 3000, signal, names, onLastAddress })
        .then(() => 'connected', (thrown) => [thrown.code, thrown.message]);
      return [refused, slow, fault, used];
    }`;
      assert.deepEqual(answered([`nameserver ${nameServer}`], work, '/etc/resolv.conf'), [
        '127.0.0.9',
        '127.0.0.9',
        ['dns', 'dead2.test. did not resolve within 3000 ms, and its last address does not answer'],
        ['127.0.0.9', '127.0.0.9'],
      ]);
    },
  );
});
