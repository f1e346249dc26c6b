import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { BastionSession } from '../../../src/transport/bastions/bastion-session.ts';
import type { SshSession } from '../../../src/transport/ssh2/ssh-connection.ts';

/** Returns a login at a bastion that opens every channel that is asked for. */
function login(): SshSession {
  const forwardOut = (...args: readonly unknown[]): void => {
    const done = args.at(-1) as (error: undefined, channel: unknown) => void;
    done(undefined, Object.assign(new PassThrough(), { stderr: new PassThrough() }));
  };
  const ssh = Object.assign(new EventEmitter(), { forwardOut });
  return { ssh, socket: Object.assign(new EventEmitter(), { destroyed: false }) } as unknown as SshSession;
}

test('a bastion is idle once the last connection through it has ended, and not before', async () => {
  let idle = 0;
  const onIdle = (): void => void (idle += 1);
  const bastion = new BastionSession({ name: 'gate', session: login(), onBroken: assert.fail, onIdle });
  const { signal } = new AbortController();
  const target = { client: 'web-1', host: '192.0.2.1', port: 22, timeoutMs: 60_000, signal };
  const wires = await Promise.all([bastion.forward(target), bastion.forward(target)]);
  const seen: unknown[] = [];
  for (const wire of wires) {
    seen.push({ idle, busy: bastion.busy });
    wire.destroy();
    await once(wire, 'close');
  }
  seen.push({ idle, busy: bastion.busy });
  assert.deepEqual(seen, [
    { idle: 0, busy: true },
    { idle: 0, busy: true },
    { idle: 1, busy: false },
  ]);
});
