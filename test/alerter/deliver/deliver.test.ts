/** Delivery: no mail is lost, a mail is repeated only after a lost answer, and no refusal delays other recipients. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { keepLease } from '../../../src/alerter/deliver/deliver.ts';
import { pauseAfter } from '../../../src/alerter/deliver/deliver-mail.ts';
import type { Delivered } from '../../../src/alerter/deliver/delivery.ts';
import { openSentMails } from '../../../src/alerter/deliver/sent-mails.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { smtpConfig, withLogin } from '../../notify/support/smtp-config.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import type { SmtpPhase } from '../../support/servers/smtp-server.ts';
import { contentOf, openOffice, openPost, openServer, withOutbox, type Row } from '../support/sending.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';
import { until } from '../../support/until.ts';

const states = (rows: readonly Row[]): readonly string[] => rows.map(({ state }) => state);

test('pauses grow to an hour, and end a moment before the run that will make the attempt', () => {
  const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempts) => (pauseAfter(attempts) + 5_000) / 60_000);
  assert.deepEqual(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test('a lease is touched again and again until it is let go', async () => {
  let touches = 0;
  let ended = (): void => undefined;
  const thrice = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const touchLease = (): Promise<void> => {
    touches += 1;
    if (touches === 3) ended();
    return Promise.resolve();
  };
  const keeper = keepLease({ touchLease }, { name: 'alerter', epoch: 1, holder: 'one' }, 5);
  await thrice;
  keeper.check();
  await keeper.stop();
  const before = touches;
  await sleep(30);
  assert.equal(touches, before);
});

test('a lease that is lost is reported by the next check, and not touched again', async () => {
  let touches = 0;
  const lost = new FleetError({ code: 'locked', stage: 'storage', message: 'taken over' });
  const touchLease = (): Promise<void> => {
    touches += 1;
    return Promise.reject(lost);
  };
  const keeper = keepLease({ touchLease }, { name: 'alerter', epoch: 1, holder: 'one' }, 5);
  await until(() => touches > 0, 'the lease is not touched');
  // The keeper learns of the fault in the next turn.
  await new Promise(setImmediate);
  assert.throws(() => keeper.check(), lost);
  await keeper.stop();
  assert.equal(touches, 1);
});

onEachDatabase('delivering', (kit) => {
  test('what is due goes out byte for byte over one connection, critical mails first', async (t) => {
    const post = await openPost(t, kit);
    const server = await openServer(t);
    await post.putMails({ severity: 'warning' }, { recipient: 'oncall@example.org' }, { recipient: 'web@example.org' });
    assert.deepEqual(await post.run(smtpConfig(server.port)), { sent: 3, putOff: 0, refused: 0 });
    assert.deepEqual(pluckAll(server.mails, 'to', 'content', 'connection'), [
      ['oncall@example.org', contentOf(2), 1],
      ['web@example.org', contentOf(3), 1],
      ['ops@example.org', contentOf(1), 1],
    ]);
    assert.deepEqual(states(await post.rows()), ['sent', 'sent', 'sent']);
    const sentIds = post.events.map((event) => [event.kind, event.messageId]);
    assert.deepEqual(sentIds, [
      ['sent', '<2@example.org>'],
      ['sent', '<3@example.org>'],
      ['sent', '<1@example.org>'],
    ]);
    assert.deepEqual(await post.run(smtpConfig(server.port)), { sent: 0, putOff: 0, refused: 0 });
    assert.equal(server.mails.length, 3);
  });

  test('what any channel has accepted is noted before its mark, and then only marked', async (t) => {
    const post = await openPost(t, kit);
    await post.put('ops@example.org', '|/usr/local/bin/tell', 'webhook:page');
    const file = path.join(post.stateDir, 'sent');
    const send = (): Promise<Delivered> => {
      const onFault = assert.fail;
      const sent = openSentMails({ file, now: () => Date.now(), onFault });
      const channel = { name: 'any', timeoutMs: 100, answerTimeoutMs: 100, send: countSend, close };
      return post.run(null, { sent, channels: { channelFor: () => channel, close }, storage });
    };
    let count = 0;
    const close = (): void => undefined;
    const countSend = (): Promise<void> => {
      count += 1;
      return Promise.resolve();
    };
    // The program dies before each mark.
    const died = new FleetError({ code: 'locked', stage: 'mail', message: 'died' });
    const storage = withOutbox(post.opened.storage, {
      markSent: async (id, holder, atMs) => {
        if (atMs === undefined) throw died;
        await post.opened.storage.outbox.markSent(id, holder, atMs);
      },
    });
    await send();
    assert.deepEqual([count, states(await post.rows())], [3, ['waiting', 'waiting', 'waiting']]);
    await post.makeDue();
    await send();
    assert.deepEqual([count, states(await post.rows())], [3, ['sent', 'sent', 'sent']]);
    const known = post.events.flatMap((event) => (event.kind === 'known' ? event.recipient : []));
    assert.deepEqual(known.toSorted(), ['ops@example.org', 'webhook:page', '|/usr/local/bin/tell']);
  });

  test('nothing due takes no lease and opens no connection', async (t) => {
    const post = await openPost(t, kit);
    const takeLease = (): Promise<never> => Promise.reject(new Error('not asked for'));
    assert.deepEqual(await post.run(smtpConfig(1), { takeLease }), { sent: 0, putOff: 0, refused: 0 });
  });

  test('claimed before the first byte, DATA marked before the content, sent marked after the answer', async (t) => {
    const post = await openPost(t, kit);
    const order: string[] = [];
    const server = await openServer(t, {
      extensions: [],
      act: ({ phase }) => {
        order.push(phase);
        return undefined;
      },
    });
    await post.put('ops@example.org');
    const { storage } = post.opened;
    await post.run(smtpConfig(server.port), {
      storage: withOutbox(storage, {
        claimMail: async (...args) => {
          const isOurs = await storage.outbox.claimMail(...args);
          order.push('claimed');
          return isOurs;
        },
        markDataBegun: async (...args) => {
          await storage.outbox.markDataBegun(...args);
          order.push('data marked');
        },
        markSent: async (...args) => {
          order.push('sent marked');
          await storage.outbox.markSent(...args);
        },
      }),
    });
    const wanted = ['claimed', 'greeting', 'ehlo', 'mail', 'rcpt', 'data', 'data marked', 'dot', 'sent marked'];
    assert.deepEqual(order.slice(0, wanted.length), wanted);
  });

  test('a refusal for now is put off with the words, one for good is failed; the others go', async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org', 'full@example.org', 'ops@example.org'], {
      act: ({ phase, line }) => {
        if (phase !== 'rcpt') return undefined;
        if (line.includes('full@')) return '452 4.2.2 mailbox full';
        return line.includes('gone@') ? '550 5.1.1 no such user' : undefined;
      },
    });
    assert.deepEqual(await post.run(smtpConfig(server.port)), { sent: 1, putOff: 1, refused: 1 });
    const [gone, full, ops] = await post.rows();
    assert.deepEqual([gone?.state, full?.state, ops?.state], ['failed', 'waiting', 'sent']);
    assert.match(gone?.error ?? '', /550 5\.1\.1 no such user$/);
    assert.match(full?.error ?? '', /452 4\.2\.2 mailbox full$/);
    assert.ok(Math.abs((full?.pauseS ?? 0) - 55) <= 3);
    assert.equal(ops?.error, null);
    assert.equal(server.connections(), 1);
    // No mail is due any more.
    assert.deepEqual(await post.run(smtpConfig(server.port)), { sent: 0, putOff: 0, refused: 0 });
    await post.makeDue();
    await post.run(smtpConfig(server.port));
    const again = (await post.rows())[1];
    assert.deepEqual([again?.attempts, again?.state], [2, 'waiting']);
    assert.ok(Math.abs((again?.pauseS ?? 0) - 115) <= 3);
  });

  test('a server that is away is tried once a run; its mails wait, at most five minutes, and say why', async (t) => {
    const post = await openPost(t, kit);
    const server = await openServer(t, {
      act: ({ phase }) => (phase === 'greeting' ? '421 4.3.2 going down' : undefined),
    });
    await post.put(...Array.from({ length: 8 }, (_, at) => `user${at}@example.org`));
    assert.deepEqual(await post.run(smtpConfig(server.port)), { sent: 0, putOff: 8, refused: 0 });
    assert.equal(server.connections(), 1);
    for (let run = 0; run < 3; run += 1) {
      await post.makeDue();
      await post.run(smtpConfig(server.port));
    }
    assert.equal(server.connections(), 4);
    const rows = await post.rows();
    assert.ok(rows.every(({ error }) => error?.endsWith('421 4.3.2 going down')));
    assert.ok(rows.every(({ pauseS }) => pauseS !== null && pauseS > 285 && pauseS <= 300));
    const back = await openServer(t);
    await post.makeDue();
    assert.deepEqual(await post.run(smtpConfig(back.port)), { sent: 8, putOff: 0, refused: 0 });
  });

  test('a wrong password loses nothing and is not tried for each mail', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org', 'oncall@example.org', 'web@example.org'], {
      act: ({ phase }) => (phase === 'auth' ? '535 5.7.8 no' : undefined),
    });
    const refused = withLogin(server.port, { fallback: 'root@example.org' });
    assert.deepEqual(await post.run(refused), { sent: 0, putOff: 3, refused: 0 });
    assert.equal(server.lines.filter((line) => line.includes('AUTH')).length, 1);
    await post.makeDue();
    const mended = await openServer(t);
    assert.deepEqual(await post.run(withLogin(mended.port)), { sent: 3, putOff: 0, refused: 0 });
    assert.equal((await post.rows()).length, 3);
  });

  test('two mails that end the connection do not keep the run busy, and lose nothing', async (t) => {
    const { post, server } = await openOffice(
      t,
      kit,
      ['a@example.org', 'b@example.org', 'c@example.org', 'd@example.org'],
      { act: ({ phase }) => (phase === 'dot' ? { kind: 'close' } : undefined) },
    );
    assert.deepEqual(await post.run(smtpConfig(server.port)), { sent: 0, putOff: 4, refused: 0 });
    assert.equal(server.connections(), 2);
    const rows = await post.rows();
    assert.deepEqual(pluck(rows, 'dataBegun'), [true, true, false, false]);
  });

  test('a database that is away for a moment when a mail is to be marked does not send it twice', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org']);
    const { storage } = post.opened;
    let isBack = false;
    const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'away' });
    const markSent: typeof storage.outbox.markSent = (id, holder) => {
      setTimeout(() => (isBack = true), 1);
      return isBack ? storage.outbox.markSent(id, holder) : Promise.reject(away);
    };
    assert.equal((await post.run(smtpConfig(server.port), { storage: withOutbox(storage, { markSent }) })).sent, 1);
    assert.deepEqual(states(await post.rows()), ['sent']);
  });

  test('a database that is away before DATA ends the run with nothing sent', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org', 'oncall@example.org']);
    const away = new FleetError({ code: 'storage-unavailable', stage: 'storage', message: 'away' });
    const storage = withOutbox(post.opened.storage, { markDataBegun: () => Promise.reject(away) });
    await assert.rejects(post.run(smtpConfig(server.port), { storage }), away);
    assert.equal(server.mails.length, 0);
    await post.makeDue();
    assert.equal((await post.run(smtpConfig(server.port))).sent, 2);
  });

  test('a crash before the sent mark sends the same Message-ID again, nothing else', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org', 'oncall@example.org']);
    const { storage } = post.opened;
    const crash = new FleetError({ code: 'storage-failed', stage: 'storage', message: 'crash' });
    const crashing = withOutbox(storage, { markSent: () => Promise.reject(crash) });
    await assert.rejects(post.run(smtpConfig(server.port), { storage: crashing }), crash);
    // The claim of the mail is still in force, so no other alerter takes the mail.
    const other = await openServer(t);
    assert.equal((await post.run(smtpConfig(other.port))).sent, 1);
    await post.makeDue();
    assert.equal((await post.run(smtpConfig(other.port))).sent, 1);
    assert.deepEqual(pluck([...server.mails, ...other.mails], 'content'), [contentOf(1), contentOf(2), contentOf(1)]);
  });

  for (const phase of ['greeting', 'rcpt', 'dot'] as const satisfies readonly SmtpPhase[]) {
    test(`an abort while the server is silent at ${phase} leaves the mail to the next run`, async (t) => {
      const post = await openPost(t, kit);
      const abort = new AbortController();
      const server = await openServer(t, {
        act: (moment) => {
          if (moment.phase !== phase) return undefined;
          setImmediate(() => abort.abort(new FleetError({ code: 'interrupted', stage: 'run', message: 'ended' })));
          return { kind: 'stall' };
        },
      });
      await post.put('ops@example.org', 'oncall@example.org');
      const limits = { graceMs: 300 };
      const counts = await post.run(smtpConfig(server.port), { signal: abort.signal, limits });
      assert.deepEqual(counts, { sent: 0, putOff: 1, refused: 0 });
      const [first, second] = await post.rows();
      assert.equal(first?.error, 'interrupted');
      assert.equal(first.attempts, 1);
      assert.equal(second?.attempts, 0);
      assert.ok(phase === 'dot' ? (first.pauseS ?? 0) > 50 : (first.pauseS ?? 0) <= 0);
    });
  }

  test('an abort waits a moment for the answer to a mail that may have arrived', async (t) => {
    const post = await openPost(t, kit);
    const abort = new AbortController();
    const server = await openServer(t, {
      act: ({ phase }) => {
        if (phase !== 'dot') return undefined;
        setImmediate(() => abort.abort(new Error('ended')));
        return { kind: 'later', say: '250 taken', afterMs: 300 };
      },
    });
    await post.put('ops@example.org', 'oncall@example.org');
    const counts = await post.run(smtpConfig(server.port), { signal: abort.signal });
    assert.deepEqual(counts, { sent: 1, putOff: 0, refused: 0 });
    assert.deepEqual(states(await post.rows()), ['sent', 'waiting']);
  });

  test('no mail is begun after the time for sending is over', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org', 'oncall@example.org', 'web@example.org']);
    const { storage } = post.opened;
    const slow = withOutbox(storage, {
      markSent: async (id, holder) => {
        await storage.outbox.markSent(id, holder);
        await new Promise((resolve) => setTimeout(resolve, 3_200));
      },
    });
    const counts = await post.run(smtpConfig(server.port), { storage: slow, limits: { phaseMs: 3_000 } });
    assert.deepEqual(counts, { sent: 1, putOff: 0, refused: 0 });
    assert.deepEqual(states(await post.rows()), ['sent', 'waiting', 'waiting']);
    assert.equal((await post.run(smtpConfig(server.port))).sent, 2);
  });
});
