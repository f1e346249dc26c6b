/** Delivery beyond the first address: the fallback address, commands, files, a second alerter. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { deliver } from '../../src/alerter/deliver/deliver.ts';
import type { NotifyConfig } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { openChannels } from '../../src/notify/channels.ts';
import { storageOn } from '../../src/storage/open-storage.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { smtpConfig, withLogin } from '../notify/support/smtp-config.ts';
import { onEachDatabase } from '../storage/support/databases.ts';
import type { SmtpMoment } from '../support/servers/smtp-server.ts';
import { contentOf, never, openOffice, openPost, openServer, recipientsOf, withOutbox } from './support/sending.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { pluckAll } from '../support/pluck.ts';
import { recipientOf } from '../../src/config/values/recipient-kinds.ts';

const dir = tempFolder();

function command(name: string, body: string): NotifyConfig {
  const file = path.join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  const always = { severity: null, rules: [], hours: null, afterMs: null };
  return { to: recipientOf('command', file), ...always, command: file, timeoutMs: 60_000, selects: null };
}

/** Returns the answers of a server that refuses all recipients except the named ones. */
function refusing(...known: readonly string[]): (moment: SmtpMoment) => string | undefined {
  return ({ phase, line }) =>
    phase === 'rcpt' && !known.some((one) => line.includes(one)) ? '550 5.1.1 no such user' : undefined;
}

onEachDatabase('the fallback address', (kit) => {
  test('is notified once who was refused and why, with the mail', async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org', 'ops@example.org'], {
      act: refusing('root@', 'ops@'),
    });
    const smtp = smtpConfig(server.port, { fallback: 'root@example.org' });
    assert.deepEqual(await post.run(smtp), { sent: 2, putOff: 0, refused: 1 });
    const notice = server.mails.find(({ to }) => to === 'root@example.org')?.content ?? '';
    assert.match(notice, /^Message-ID: <1\.refused@example\.org>\r$/m);
    assert.match(notice, /^Subject: Not delivered to gone@example\.org: disk 1\r$/m);
    assert.match(notice, /^Auto-Submitted: auto-generated\r$/m);
    assert.match(notice, /550 5\.1\.1 no such user/);
    assert.match(notice, /^Content-Type: message\/rfc822/m);
    assert.ok(notice.includes(contentOf(1)));
    // A restored database may cause the same mail to be refused again.
    await post.opened.database.write((session) => session.run('UPDATE mails SET failed_at = NULL', []));
    await post.makeDue();
    assert.deepEqual(await post.run(smtp), { sent: 0, putOff: 0, refused: 1 });
    assert.equal((await post.rows()).length, 3);
  });

  test('hears at once of a refusal by policy, which is tried for some hours and may be lifted', async (t) => {
    const post = await openPost(t, kit);
    let isBlocked = true;
    const server = await openServer(t, {
      act: ({ phase, line }) =>
        isBlocked && phase === 'rcpt' && !line.includes('root@') ? '550 5.7.1 on a blocklist' : undefined,
    });
    const smtp = smtpConfig(server.port, { fallback: 'root@example.org' });
    await post.put('ops@example.org', 'boss@example.org');
    assert.deepEqual(await post.run(smtp), { sent: 2, putOff: 2, refused: 0 });
    const notices = server.mails.filter(({ to }) => to === 'root@example.org');
    assert.equal(notices.length, 2);
    assert.match(notices[0]?.content ?? '', /was refused:[^]*550 5\.7\.1 on a blocklist[^]*tried for some hours more/);
    const [waiting] = await post.rows();
    assert.deepEqual([waiting?.state, waiting?.dataBegun], ['waiting', false]);
    assert.ok(Math.abs((waiting?.pauseS ?? 0) - 895) <= 3);

    await post.makeDue();
    assert.deepEqual(await post.run(smtp), { sent: 0, putOff: 2, refused: 0 });
    isBlocked = false;
    await post.opened.database.write((session) =>
      session.run('UPDATE mails SET next_attempt_at = NULL WHERE id = 1', []),
    );
    assert.deepEqual(await post.run(smtp), { sent: 1, putOff: 0, refused: 0 });
    isBlocked = true;
    const outcomes: string[] = [];
    for (let attempt = 3; attempt <= 10; attempt += 1) {
      await post.makeDue();
      const { putOff, refused } = await post.run(smtp);
      outcomes.push(putOff === 1 ? 'put off' : refused === 1 ? 'refused' : 'neither');
    }
    assert.deepEqual(outcomes, [...Array<string>(7).fill('put off'), 'refused']);
    const rows = await post.rows();
    const outcomesOf = rows.map(({ recipient, state, attempts }) => `${recipient} ${state} ${attempts}`);
    assert.deepEqual(outcomesOf, [
      'ops@example.org sent 3',
      'boss@example.org failed 10',
      'root@example.org sent 1',
      'root@example.org sent 1',
    ]);
    assert.match(rows[1]?.error ?? '', /550 5\.7\.1 on a blocklist$/);
  });

  test('is notified although the program ended between the notice and the mark', async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org'], { act: refusing('root@') });
    const smtp = smtpConfig(server.port, { fallback: 'root@example.org' });
    const crash = new FleetError({ code: 'storage-failed', stage: 'storage', message: 'crash' });
    const storage = withOutbox(post.opened.storage, { markFailed: () => Promise.reject(crash) });
    await assert.rejects(post.run(smtp, { storage }), crash);
    await post.makeDue();
    assert.deepEqual(await post.run(smtp), { sent: 1, putOff: 0, refused: 1 });
    assert.deepEqual(recipientsOf(server), ['root@example.org']);
  });

  test('hears nothing of its own refusals: no notice of a notice', async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org', 'root@example.org'], {
      act: refusing('nobody'),
    });
    const smtp = smtpConfig(server.port, { fallback: 'root@example.org' });
    assert.deepEqual(await post.run(smtp), { sent: 0, putOff: 0, refused: 3 });
    const rows = await post.rows();
    assert.deepEqual(pluckAll(rows, 'messageId', 'state'), [
      ['<1@example.org>', 'failed'],
      ['<2@example.org>', 'failed'],
      ['<1.refused@example.org>', 'failed'],
    ]);
  });

  test('hears of no refused notice after it was changed', async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org'], {
      act: ({ phase, line }) => {
        if (phase !== 'rcpt') return undefined;
        return line.includes('root@') ? '451 4.3.0 later' : '550 5.1.1 no such user';
      },
    });
    await post.run(smtpConfig(server.port, { fallback: 'root@example.org' }));
    await post.makeDue();
    const later = await openServer(t, { act: refusing('new@') });
    const counts = await post.run(smtpConfig(later.port, { fallback: 'new@example.org' }));
    assert.deepEqual(counts, { sent: 0, putOff: 0, refused: 1 });
    assert.equal((await post.rows()).length, 2);
  });

  test("gets a notice that no other mail replaces, and that does not shift its other mails' time", async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org'], {
      act: (moment) => refusing('root@')(moment) ?? (moment.phase === 'dot' ? '451 4.3.0 later' : undefined),
    });
    const smtp = smtpConfig(server.port, { fallback: 'root@example.org' });
    assert.deepEqual(await post.run(smtp), { sent: 0, putOff: 1, refused: 1 });
    // Restores the state of a mail whose transaction never reached DATA.
    await post.opened.database.write((session) => session.run('UPDATE mails SET data_at = NULL', []));
    const { storage } = post.opened;
    const { waiting, histories } = await storage.notifications.state(await storage.nowMs());
    assert.deepEqual(waiting, []);
    assert.equal(histories.find(({ recipient }) => recipient === 'root@example.org')?.lastOrdinaryAtMs ?? null, null);
  });
});

onEachDatabase('ways', (kit) => {
  test('a command gets its mails, and goes on while the server is away', async (t) => {
    const post = await openPost(t, kit);
    const file = path.join(dir, `got-${kit.kind}`);
    const notify = [command(`page-${kit.kind}`, `cat >> ${file}`), command(`busy-${kit.kind}`, 'exit 75')];
    const server = await openServer(t, { act: () => ({ kind: 'close' }) });
    const [page, busy] = notify.map((one) => recipientOf('command', one.command));
    await post.put('ops@example.org', page ?? '', 'oncall@example.org', busy ?? '', page ?? '');
    assert.deepEqual(await post.run(smtpConfig(server.port), { notify }), { sent: 2, putOff: 3, refused: 0 });
    assert.equal(readFileSync(file, 'utf8'), contentOf(2) + contentOf(5));
    assert.match((await post.rows())[3]?.error ?? '', /busy-.*exit status 75$/);
    assert.equal(server.connections(), 1);
  });

  test('a command that config.xml does not name is never run, whatever is stored', async (t) => {
    const post = await openPost(t, kit);
    const file = path.join(dir, `ran-${kit.kind}`);
    const { command: stranger } = command(`stranger-${kit.kind}`, `touch ${file}`);
    const server = await openServer(t);
    await post.put(recipientOf('command', stranger));
    const counts = await post.run(smtpConfig(server.port, { fallback: 'root@example.org' }));
    assert.deepEqual(counts, { sent: 1, putOff: 0, refused: 1 });
    assert.ok(!existsSync(file));
    assert.match((server.mails[0]?.content ?? '').replaceAll('=\r\n', ''), /no such <notify command>/);
  });

  test('without <smtp> mails become files, which is notified as where they went', async (t) => {
    const post = await openPost(t, kit);
    await post.put('ops@example.org', 'oncall@example.org');
    assert.deepEqual(await post.run(null), { sent: 2, putOff: 0, refused: 0 });
    const outbox = path.join(post.stateDir, 'outbox');
    assert.deepEqual(readdirSync(outbox).sort(), ['1.eml', '2.eml']);
    assert.equal(readFileSync(path.join(outbox, '2.eml'), 'utf8'), contentOf(2));
    assert.ok(post.events.every((event) => event.kind === 'sent' && event.where === outbox));
  });

  test('a fault of the program itself holds up one mail, not the others', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org', 'oncall@example.org']);
    const real = openChannels({ smtp: smtpConfig(server.port), notify: [], webhooks: [], stateDir: post.stateDir });
    const channels = {
      ...real,
      channelFor: (recipient: string) => {
        if (recipient.startsWith('ops')) throw new TypeError('a fault');
        return real.channelFor(recipient);
      },
    };
    assert.deepEqual(await post.run(null, { channels }), { sent: 1, putOff: 1, refused: 0 });
    real.close();
    assert.match((await post.rows())[0]?.error ?? '', /a fault/);
  });

  test('no credential is in what is stored or notified', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org'], {
      act: ({ phase, line }) => (phase === 'auth' ? `535 5.7.8 cannot take ${line} correct horse` : undefined),
    });
    await post.run(withLogin(server.port));
    const notified = JSON.stringify([await post.rows(), post.events]);
    assert.match(notified, /cannot take/);
    assert.ok(!notified.includes('correct horse'));
    assert.ok(!notified.includes(Buffer.from('\0fleet\0correct horse').toString('base64')));
  });
});

onEachDatabase('a second alerter', (kit) => {
  test('that sends at the same time: each mail once', async (t) => {
    const post = await openPost(t, kit);
    const server = await openServer(t);
    await post.put(...Array.from({ length: 30 }, (_, at) => `user${at}@example.org`));
    const database = await openDatabase({ storage: post.opened.config, program: 'alert' });
    try {
      const storage = storageOn(database);
      // The lease of another name stands for a lease that was taken over while the first alerter slept.
      const lease = await storage.leases.takeLease('other', 'two');
      assert.ok(lease !== null);
      const channels = openChannels({
        smtp: smtpConfig(server.port),
        notify: [],
        webhooks: [],
        stateDir: post.stateDir,
      });
      const both = await Promise.all([
        post.run(smtpConfig(server.port), { limits: { batch: 4 } }),
        deliver({
          storage,
          takeLease: () => Promise.resolve(lease),
          channels,
          sent: { find: () => null, note: () => undefined },
          isNamed: () => true,
          fallback: null,
          limits: { batch: 4 },
          signal: never,
          observe: () => undefined,
          now: () => Date.now(),
        }),
      ]);
      channels.close();
      assert.equal(both[0].sent + both[1].sent, 30);
      assert.equal(new Set(server.mails.map(({ to }) => to)).size, 30);
      assert.equal(server.mails.length, 30);
      assert.equal(server.lines.filter((line) => line.endsWith(':DATA')).length, 30);
    } finally {
      await database.close();
    }
  });

  test('that took a mail before its DATA has it: nothing of it leaves here, and the next mail goes', async (t) => {
    const { post, server } = await openOffice(t, kit, ['ops@example.org', 'oncall@example.org']);
    const { storage } = post.opened;
    let taken = 0;
    const overtaken = withOutbox(storage, {
      markDataBegun: async (id, holder) => {
        taken += 1;
        if (taken === 1) {
          const sql = "UPDATE mails SET claimed_by = 'two' WHERE id = ?";
          await post.opened.database.write((session) => session.run(sql, [id]));
        }
        await storage.outbox.markDataBegun(id, holder);
      },
    });
    assert.deepEqual(await post.run(smtpConfig(server.port), { storage: overtaken }), {
      sent: 1,
      putOff: 0,
      refused: 0,
    });
    assert.deepEqual(recipientsOf(server), ['oncall@example.org']);
  });

  test('that took the lease ends the sending before the next mail', async (t) => {
    const { post, server } = await openOffice(t, kit, ['gone@example.org', 'ops@example.org'], {
      act: refusing('root@'),
    });
    const { storage } = post.opened;
    await post.opened.database.write((session) => session.run('UPDATE leases SET epoch = epoch + 1', []));
    const run = post.run(smtpConfig(server.port, { fallback: 'root@example.org' }), { storage });
    await assert.rejects(run, { name: 'FleetError', code: 'locked' });
    assert.deepEqual(pluckAll(await post.rows(), 'state', 'attempts'), [
      ['waiting', 1],
      ['waiting', 0],
    ]);
  });
});
