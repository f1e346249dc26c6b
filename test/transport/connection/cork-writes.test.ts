import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { corkWrites } from '../../../src/transport/connection/cork-writes.ts';
import { listenOn } from '../../support/servers/free-port.ts';

describe('corkWrites', () => {
  const server = createServer({ noDelay: true });
  let near: Socket;
  let far: Socket;
  /** The received segments. */
  let came: string[];
  let ended: Promise<unknown>;
  let port: number;
  before(async () => {
    port = await listenOn(server);
  });
  beforeEach(async () => {
    const accepted = once(server, 'connection');
    near = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(near, 'connect');
    [far] = (await accepted) as [Socket];
    came = [];
    far.on('data', (chunk: Buffer) => came.push(chunk.toString()));
    ended = once(far, 'end');
    corkWrites(near);
  });
  after(() => server.close());

  it('sends what is written in one turn as one, and the next turn by itself', async () => {
    // The kernel merges segments that have not been read yet.
    const sent: string[] = [];
    for (const name of ['_write', '_writev'] as const) {
      const send = near[name]?.bind(near) as (...args: unknown[]) => void;
      near[name] = (...args: unknown[]) => {
        sent.push(name);
        send(...args);
      };
    }
    for (const part of ['a', 'b', 'c']) near.write(part);
    queueMicrotask(() => near.write('d'));
    await once(far, 'data');
    assert.deepEqual([came, sent], [['abcd'], ['_writev']]);
    for (const part of ['e', 'f']) near.write(part);
    await once(far, 'data');
    assert.deepEqual(
      { came, sent },
      {
        came: ['abcd', 'ef'],
        sent: ['_writev', '_writev'],
      },
    );
    near.end();
    await ended;
  });

  it('sends what is held when it is ended in the same turn', async () => {
    near.write('a');
    near.end('b');
    await ended;
    assert.equal(came.join(''), 'ab');
  });

  it('keeps what each write calls back, and says when the other side does not keep up', async () => {
    const written: string[] = [];
    near.write('a', () => written.push('a'));
    near.write('b', 'utf8', () => written.push('b'));
    assert.equal(near.write(Buffer.alloc(near.writableHighWaterMark)), false);
    await once(near, 'drain');
    assert.deepEqual(written, ['a', 'b']);
    near.end();
    await ended;
  });

  it('sends the held bytes when it is destroyed in the same turn, as without being held', async () => {
    near.write('a');
    near.destroy();
    await ended;
    assert.equal(came.join(''), 'a');
    await nextTurn();
    assert.equal(near.destroyed, true);
  });
});
