// Second tier: every secret in every place.
/** No secret of config.xml or of the environment is output anywhere, whatever is run and whatever fails. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { commandNames } from '../support/programs/command-names.ts';
import { packageFolder } from '../support/programs/installed.ts';
import type { SmtpAct, SmtpMoment } from '../support/servers/smtp-server.ts';
import { sshdMissing } from '../support/ssh/sshd.ts';
import { skipWithoutMariadb } from '../support/databases/mariadb.ts';
import { commandsWithSecrets } from './support/secret-commands.ts';
import { secretPlaces, startStation, variants, type Run, type Station } from './support/secret-station.ts';

const echoes = ({ line, phase }: SmtpMoment): SmtpAct | undefined => {
  const notified = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
  const password = notified.split('\0')[2] ?? '';
  if (phase !== 'auth') return undefined;
  const hex = Buffer.from(password).toString('hex');
  return `535 5.7.8 no: ${line} / ${password} / ${encodeURIComponent(password)} / ${hex}`;
};

suite('secrets', { skip: sshdMissing() ?? skipWithoutMariadb }, () => {
  let station: Station;
  const runs: Run[] = [];
  const run = async (...[variant, args, more]: Parameters<Station['run']>): Promise<Run> => {
    const made = await station.run(variant, args, more);
    runs.push(made);
    return made;
  };
  before(async () => {
    station = await startStation();
  });
  after(async () => {
    await station.stop();
  });

  test('every place of the vocabulary that may hold one has one', () => {
    assert.deepEqual([...station.filled].sort(), [...secretPlaces()].sort());
  });

  test('every command, with what each variant says', { timeout: 300_000 }, async () => {
    await run('literal', ['-v', 'keys', 'generate']);
    addStateKeys(station);
    await run('url', ['-v', 'migrate']);
    const trusted = await run('file', ['-v', 'trust', '--yes']);
    assert.equal(trusted.status, 0, trusted.stderr);
    for (const variant of ['literal', 'file', 'env'] as const) {
      const some = variant === 'literal' ? [] : ['plain', 'grouped', 'own', 'behind'];
      const collected = await run(variant, ['-v', 'collect', ...some]);
      const succeeded = variant === 'literal' ? 3 : 2;
      assert.match(collected.stdout, new RegExp(`event=summary.* succeeded=${succeeded} `), collected.stderr);
      station.mailServer.act = variant === 'literal' ? null : echoes;
      await run(variant, ['-v', '--json', 'alert']);
      if (variant === 'literal') assert.ok(station.smtp.mails.length > 0, 'no mail came');
    }
    // In parallel: the commands wait more than they work.
    const lines = Object.entries(commandsWithSecrets).flatMap(([name, all]) =>
      all.map((more) => [...name.split(' '), ...more]),
    );
    const variantOf = (index: number) => variants[index % variants.length] ?? 'literal';
    const next = lines.map((line, index) => ({ line, variant: variantOf(index) })).values();
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (const { line, variant } of next) await run(variant, ['-v', '--json', ...line]);
      }),
    );
    addStateKeys(station);
  });

  test('a database and a mail server that refuse, and encryption that fails', async () => {
    station.mailServer.act = ({ phase }) => (phase === 'auth' ? '235 ok' : undefined);
    station.imap.act = (command) => (command.startsWith('AUTH') ? `NO no such login: ${command}` : undefined);
    const unread = await run('file', ['-v', '--json', 'check', '--replies']);
    assert.match(unread.stdout, /the login was refused/);
    const wrong = station.derive('env', 'wrong-database', (text) => text.replace('STORAGE_PASSWORD', 'SMTP_PASSWORD'));
    const refused = await Promise.all([run(wrong, ['-v', 'collect', 'plain']), run(wrong, ['-v', '--json', 'status'])]);
    for (const { status, stderr, stdout } of refused) assert.match(stdout + stderr, /storage-denied/, String(status));
    const encrypted = station.derive('literal', 'encrypted', (text) =>
      text.replace('security="none"', 'security="starttls"').replace('<storage ', '<storage tls="verify" '),
    );
    const commands = [['check', '--mail'], ['status']];
    const failed = await Promise.all(commands.map((command) => run(encrypted, ['-v', '--json', ...command])));
    assert.match(failed[0]?.stdout ?? '', /STARTTLS/);
    assert.match(failed[1]?.stdout ?? '', /storage-/);
    const pair = 'tlsCert="ssh.key" tlsKey="ssh.key"';
    const served = station.derive('literal', 'served', (text) =>
      text.replace('<storage ', `<serve port="65535" ${pair}><look/></serve><storage `),
    );
    const unserved = await run(served, ['-v', '--json', 'serve']);
    assert.match(unserved.stderr, /PEM|ssh\.key/, 'a key of SSH is no certificate');
    station.mailServer.act = ({ phase, line }) => (phase === 'rcpt' ? `550 5.1.1 ${line}` : undefined);
    await run('file', ['-v', 'alert']);
  });

  test('a run that breaks or is ended, at any moment', async () => {
    const preload = (name: string, text: string): readonly string[] => {
      const file = path.join(station.dir, 'secrets', `${name}.cjs`);
      writeFileSync(file, text);
      return ['--require', file];
    };
    // At a certain write to a socket, in the middle of a login, with all of its data on the stack.
    const atWrite = (count: number, what: string): string =>
      `const { Socket } = require('node:net'); const write = Socket.prototype.write; let count = 0;
       Socket.prototype.write = function (...args) { if ((count += 1) === ${count}) { ${what} } return write.apply(this, args) }`;
    const error = "new TypeError('broken on purpose')";
    const uncaught = preload('uncaught', atWrite(6, `setImmediate(() => { throw ${error} })`));
    const unhandled = preload('unhandled', atWrite(6, `Promise.reject(${error})`));
    const writing = preload('writing', atWrite(9, `throw ${error}`));
    // Without storing, so that no run waits for another.
    const broken = await Promise.all([
      run('literal', ['-v', '--json', 'collect', '--dry-run', 'behind'], { nodeArgs: uncaught }),
      run('file', ['-v', 'collect', '--dry-run', 'behind'], { nodeArgs: unhandled }),
      run('env', ['-v', '--json', 'collect', '--dry-run', 'behind'], { nodeArgs: writing }),
    ]);
    for (const { stderr, stdout } of broken) assert.match(stdout + stderr, /broken on purpose/);
    await Promise.all(
      (['SIGTERM', 'SIGKILL'] as const).flatMap((signal) => [
        run('literal', ['-v', 'collect', 'own', 'behind'], { kill: { signal, afterMs: 900 } }),
        run('env', ['-v', 'alert'], { kill: { signal, afterMs: 600 } }),
      ]),
    );
  });

  test('were notified to those whom they are for', () => {
    const { heard, asked, posted, smtp, imap, markers } = station;
    const mailbox = Buffer.from(`\0fleet\0${markers.of('replies password')}`).toString('base64');
    assert.ok(imap.commands.includes(`AUTHENTICATE PLAIN ${mailbox}`), imap.commands.join('\n'));
    assert.ok(imap.commands.some((command) => command.startsWith('EXAMINE')));
    assert.ok(heard.includes(markers.of('ssh password')), JSON.stringify([heard, markers.of('ssh password')]));
    const token = markers.of('heartbeat url');
    const login = `Basic ${Buffer.from(`beat:${token}`).toString('base64')}`;
    assert.ok(asked.includes(`/${encodeURIComponent(token)} ${login}`), asked.join('\n'));
    const [url, header] = [markers.of('webhook url'), markers.of('webhook header')].map(encodeURIComponent);
    assert.ok(posted.length > 1 && posted.every((one) => one === `/${url} ${header}`), posted.join('\n'));
    assert.equal(smtp.mails[0]?.credentials, `\0mailer\0${markers.of('smtp password')}`);
  });

  test('stand in nothing that was printed, and in no process', () => {
    assert.ok(runs.length > commandNames().length);
    for (const { what, stdout, stderr, seen } of runs) {
      none(station.markers.leaksIn(stdout), `${what}: stdout`, stdout);
      none(station.markers.leaksIn(stderr), `${what}: stderr`, stderr);
      for (const { command, environment } of seen) {
        // The server's prompt is an argument of SSH_ASKPASS (ssh(1)). This server uses a prompt of its own.
        const said = /openssh-askpass\.sh\0.*One more, after /.test(command);
        if (!said) none(station.markers.leaksIn(command), `${what}: command line`, command);
        const leaks = station.markers.leaksIn(environment ?? '');
        none(leaks, `${what}: environment of ${command.replaceAll('\0', ' ')}`);
      }
    }
    const commands = runs.flatMap(({ seen }) => seen.map(({ command }) => command));
    for (const expected of [/^ssh\0/, /notify/]) {
      const isSeen = commands.some((command) => expected.test(command));
      assert.ok(isSeen, `no ${String(expected)} was seen`);
    }
  });

  test('stand in no mail, no row and no file, here and on the client', async () => {
    const { markers, smtp, dir } = station;
    for (const mail of smtp.mails) none(markers.leaksIn(mail.content), 'a mail', mail.content);
    const others = smtp.lines.filter((line) => !/^\d+:(AUTH |[\w+/=]+$)/.test(line));
    none(markers.leaksIn(others.join('\n')), 'a mail server');
    const rows = await station.dump();
    assert.match(rows, /refuses-it-openssh/);
    none(markers.leaksIn(rows), 'the database');
    const places = [dir, station.homes, packageFolder];
    const files = places
      .flatMap((place) => filesBelow(place))
      .filter(
        (file) => !file.startsWith(`${dir}/secrets/`) && !file.includes('/node_modules/fleet-health/node_modules/'),
      );
    for (const expected of ['state/known_hosts', 'agent.cjs', 'dist/parts/cli.cjs']) {
      const isThere = files.some((file) => file.includes(expected));
      assert.ok(isThere, `${expected}\n${files.join('\n')}`);
    }
    for (const file of files) {
      const leaks = markers.leaksIn(readFileSync(file));
      // The last valid configuration has the content of config.xml. Its permissions are tested below.
      const allowed = file.startsWith(path.join(station.stateDir, 'keys/'))
        ? /^keys\//
        : file.startsWith(path.join(station.stateDir, 'last-good/'))
          ? / \(as it is\)$/
          : /^$/;
      none(
        leaks.filter((leak) => !allowed.test(leak)),
        file,
      );
    }
    // The guard of a killed run removes its leftovers a moment later.
    const left = (): string[] => readdirSync(path.join(dir, 'tmp'));
    for (const endsAt = Date.now() + 10_000; left().length > 0 && Date.now() < endsAt;) await sleep(50);
    assert.deepEqual(left(), [], 'something was left behind');
  });

  test('lie where nobody else can read or write, whatever the umask', () => {
    const { dir, stateDir, homes } = station;
    const made = [...entriesBelow(dir), ...entriesBelow(homes)]
      .filter((entry) => !entry.startsWith(`${dir}/secrets`))
      .filter((entry) => !/\/notified$/.test(entry));
    const shared = /^(?:public_keys(?:\/.*)?|collector-id)$/;
    const kept = made.filter((entry) => entry.startsWith(`${stateDir}/`) || entry.includes('/.local/'));
    for (const place of ['keys', 'public_keys', 'known_hosts', 'lock.db', 'alert-lock.db', 'collector-id']) {
      assert.ok(kept.includes(path.join(stateDir, place)), `${place} was not made`);
    }
    const isLeft = kept.some((entry) => entry.endsWith('counters.json'));
    assert.ok(isLeft, 'nothing was left on a client');
    for (const entry of made) {
      const mode = lstatSync(entry).mode & 0o777;
      assert.equal(mode & 0o022, 0, `${entry} ${mode.toString(8)}`);
      const isPrivate = kept.includes(entry) && !shared.test(path.relative(stateDir, entry));
      // Node chooses these modes itself, in a folder of mode 0700.
      const isBelowPrivate = entry.startsWith(path.join(stateDir, 'compiled/'));
      if (isPrivate && !isBelowPrivate) assert.equal(mode & 0o077, 0, `${entry} ${mode.toString(8)}`);
    }
    assert.equal(lstatSync(stateDir).mode & 0o777, 0o700);
  });

  test('and we can use it ourselves where the umask would forbid it', async () => {
    for (const umask of [0o777, 0o277]) {
      const name = station.derive('literal', `umask-${umask.toString(8)}`, (text) =>
        text.replace('/state"', `/state-${umask.toString(8)}"`),
      );
      const { status, stderr } = await run(name, ['keys', 'generate'], { umask });
      assert.equal(status, 0, stderr);
      const state = path.join(station.dir, `state-${umask.toString(8)}`);
      assert.equal(lstatSync(state).mode & 0o777, 0o700);
      for (const key of readdirSync(path.join(state, 'keys'))) {
        assert.equal(lstatSync(path.join(state, 'keys', key)).mode & 0o777, 0o600);
      }
    }
  });
});

function entriesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function none(leaks: readonly string[], where: string, text = ''): void {
  assert.deepEqual(leaks, [], `${where}\n${text}`);
}

/** Adds the private halves of the product's own keys to the secrets. */
function addStateKeys({ stateDir, markers }: Station): void {
  for (const name of readdirSync(path.join(stateDir, 'keys'))) {
    const [, body = ''] = readFileSync(path.join(stateDir, 'keys', name), 'utf8').split('\n');
    markers.add(`keys/${name}`, body);
    markers.add(`keys/${name}, raw`, Buffer.from(body, 'base64').subarray(-32));
  }
}
